"""Time and memory of a training step with gates, over the dense step.

    python -m benchmarks.step_overhead --threads=2

Every configuration has a process of its own. Time: the dense and the gated
step take turns on the same batch, and the result is the median of the ratios
of neighbors. Memory: the most that a process held which trained one of the
two. `--tfmot_python` names the interpreter of an environment with tf-keras and
tensorflow-model-optimization, whose `prune_low_magnitude` is measured the same
way over its own dense step. Finished cases are kept and skipped.
"""

import functools
import itertools
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator

from absl import app
from absl import flags

from benchmarks import records
from benchmarks import threads

# Network -> the highest ratio wanted for structured gates.
WANTED = {
    "lenet_300_100": 1.25,
    "lenet5": 1.05,
    "residual": 1.05,
    "transformer": None,
}
WANTED_WEIGHTS, WANTED_MEMORY = 1.8, 1.1
FAMILIES = (
    "hard_concrete",
    "diff_prune",
    "straight_through",
    "dependent",
    "arm",
    "ar",
)
TFMOT = "prune_low_magnitude"

_NETWORKS = flags.DEFINE_multi_enum(
    "overhead_network", list(WANTED), list(WANTED), "Networks."
)
_FAMILIES = flags.DEFINE_multi_enum(
    "overhead_family", list(FAMILIES), list(FAMILIES), "Gate families."
)
_JIT = flags.DEFINE_multi_enum(
    "overhead_jit", ["false", "true"], ["false", "true"], "With XLA or without."
)
_MEASURES = flags.DEFINE_multi_enum(
    "overhead_measure", ["time", "memory"], ["time", "memory"], "What."
)
_PAIRS = flags.DEFINE_integer(
    "overhead_pairs", 400, "The most pairs of steps.", lower_bound=1
)
_SECONDS = flags.DEFINE_float(
    "overhead_seconds", 30.0, "About how long the pairs of a case may take.", 0
)
_BATCH_SIZE = flags.DEFINE_integer(
    "overhead_batch_size", 128, "Examples per step.", lower_bound=1
)
_TFMOT_PYTHON = flags.DEFINE_string(
    "tfmot_python", None, "Interpreter of an environment with tfmot, if any."
)
_PATH = flags.DEFINE_string(
    "overhead_path", "benchmarks/results/step_overhead.json", "Results."
)

_KEYS = ("network", "family", "on", "jit_compile")
_LIMIT = 1200  # Seconds that a process may take.


def cases(
    names: list[str], families: list[str], jits: list[bool], tfmot: bool
) -> Iterator[dict]:
    """What is measured: network, family, what is gated, with XLA or without.

    Args:
        names: Keys of `WANTED`.
        families: Of `FAMILIES`.
        jits: Whether XLA compiles the step.
        tfmot: Whether `prune_low_magnitude` is measured, too.
    """
    for name, jit in itertools.product(names, jits):
        ons = ["units"] + ["weights"] * (name == "lenet_300_100")
        for on, family in itertools.product(ons, families):
            yield _case(name, family, on, jit)
        if tfmot:
            yield _case(name, TFMOT, "weights", jit)


def _case(network, family, on, jit):
    return dict(zip(_KEYS, (network, family, on, jit), strict=True))


def wanted(case: dict) -> float | None:
    """The highest ratio of times that is wanted, or None."""
    if case["family"] == TFMOT:
        return None
    return (
        WANTED_WEIGHTS if case["on"] == "weights" else WANTED[case["network"]]
    )


def measure(case: dict, measures: list[str], settings: dict) -> dict:
    """Runs the processes of one case.

    Args:
        case: One of `cases`.
        measures: `"time"`, `"memory"`, or both.
        settings: What `overhead_child.Configuration` has beside the case.

    Returns:
        result: The case, what its processes found, and what is wanted; under
            `error` the end of what a process said that failed.
    """
    result = {**case, "wanted": wanted(case)}
    try:
        if "time" in measures:
            result |= _child({**case, **settings, "measure": "time"})
        if "memory" in measures:
            asked = {**case, **settings, "measure": "memory"}
            mine = _child(asked)
            dense = _dense_memory(case["family"] == TFMOT, json.dumps(asked))
            result |= {**mine, "memory": memory_ratios(dense, mine)}
    except subprocess.SubprocessError as error:
        result["error"] = _last_line(error)
    return result


def memory_ratios(dense: dict, other: dict) -> dict:
    """The process' whole memory, and what training alone took, over dense."""
    return {
        "peak": round(other["peak_mib"] / dense["peak_mib"], 4),
        "training": round(other["training_mib"] / dense["training_mib"], 4),
    }


def _dense_memory(tfmot, asked):
    dense = {**json.loads(asked), "family": "dense", "on": "units"}
    return _process(tfmot, json.dumps(dense))


def _child(configuration):
    return _process(configuration["family"] == TFMOT, json.dumps(configuration))


@functools.cache  # The dense network serves all families.
def _process(tfmot, configuration):
    """What a process with this configuration found."""
    command = [sys.executable, "-m", "benchmarks.overhead_child"]
    if tfmot:
        command = [_TFMOT_PYTHON.value, "benchmarks/tfmot_step.py"]
    done = subprocess.run(
        [*command, configuration],
        capture_output=True,
        check=True,
        text=True,
        timeout=_LIMIT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def _last_line(error):
    """What went wrong, without the path of anything."""
    said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    return said[-1][:200] if said else type(error).__name__


def _origin():
    """Without the path of an interpreter."""
    origin = records.origin()
    kept = [
        "--tfmot_python=PYTHON" if word.startswith("--tfmot_python=") else word
        for word in shlex.split(origin["command"])
    ]
    return {**origin, "command": shlex.join(kept)}


def _line(result):
    name = f"{result['network']} {result['family']} {result['on']}"
    name += " XLA" if result["jit_compile"] else ""
    if "error" in result:
        return f"{name:52} {result['error']}"
    memory = result.get("memory", {}).get("peak", float("nan"))
    ratio = result.get("ratio", float("nan"))
    return (
        f"{name:52} time {ratio:.3f} (wanted {result['wanted']}) "
        f"memory {memory:.3f}"
    )


def main(argv: list[str]) -> None:
    settings = {
        "pairs": _PAIRS.value,
        "seconds": _SECONDS.value,
        "batch_size": _BATCH_SIZE.value,
        "threads": threads.THREADS.value,
    }
    results = []
    if os.path.exists(_PATH.value):
        results = records.read(_PATH.value)["cases"]
    done = {tuple(result[key] for key in _KEYS) for result in results}
    jits = [value == "true" for value in _JIT.value]
    tfmot = bool(_TFMOT_PYTHON.value)
    for case in cases(_NETWORKS.value, _FAMILIES.value, jits, tfmot):
        if tuple(case.values()) in done:
            continue
        results.append(measure(case, _MEASURES.value, settings))
        print(_line(results[-1]), flush=True)
        record = {**_origin(), **settings, "cores": os.cpu_count()}
        records.write(_PATH.value, {**record, "cases": results})


if __name__ == "__main__":
    app.run(main)
