"""placeholder."""


def reproduction(runs):
    return "\n".join(str({k: r[k] for k in ("seed", "architecture", "percent_left", "test_error", "validation_error", "seconds")}) for r in runs)
