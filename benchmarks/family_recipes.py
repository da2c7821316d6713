"""Our recipes for the gate families other than HardConcrete."""

from benchmarks.recipe import Phase
from benchmarks.recipe import Recipe

# Lambda is a price times the number of training examples. Straight-through
# gates weigh a price against a gradient of norm 1 and not against the loss.
_EXAMPLES = 55_000
# Open gates of ARM have hardly any noise, and LeNet-300-100 overfits.
_ARM_L2 = 1e-4


def _lenet_300_100(l0, family, rate, gate_rate, options, **kwargs):
    return Recipe(
        l0,
        (0.5,) * 3,
        (
            Phase(20, rate, gate_learning_rate=gate_rate),
            Phase(25, rate, gate_learning_rate=gate_rate, cosine=True),
            Phase(3, 1e-4, cosine=True, frozen=True),
        ),
        family=family,
        options=options,
        **kwargs,
    )


def _lenet5(l0, family, phases, options, **kwargs):
    return Recipe(
        l0, (0.5,) * 4, phases, family=family, options=options, **kwargs
    )


def _lenet5_phases(gate_rate):
    """The wide network is slow: it is narrowed after each early epoch."""
    return (
        Phase(1, gate_learning_rate=gate_rate),
        Phase(1, gate_learning_rate=gate_rate),
        Phase(2, 2e-3, gate_learning_rate=gate_rate),
        Phase(15, 2e-3, gate_learning_rate=gate_rate / 2, cosine=True),
        Phase(6, 1e-3, cosine=True, frozen=True),
    )


FAMILY_RECIPES = {
    ("lenet_300_100", "arm_uniform", "ours"): _lenet_300_100(
        (0.23, 0.57, 1.15), "arm", 1e-3, 0.002, {"drop_rate": 0.2}, l2=_ARM_L2
    ),
    ("lenet_300_100", "arm_separate", "ours"): _lenet_300_100(
        (0.21, 0.72, 1.25), "arm", 5e-3, 0.005, {"drop_rate": 0.2}, l2=_ARM_L2
    ),
    ("lenet5", "arm_uniform", "ours"): _lenet5(
        (5, 0.3, 0.2, 10), "arm", _lenet5_phases(0.01), {"drop_rate": 0.2}
    ),
    ("lenet5", "arm_separate", "ours"): _lenet5(
        (20, 2.2, 1.8, 60), "arm", _lenet5_phases(0.015), {"drop_rate": 0.2}
    ),
    ("lenet5", "dependent", "ours"): _lenet5(
        (80, 3.0, 0.7, 25),
        "dependent",
        _lenet5_phases(1e-3),
        {"start": "open"},
    ),
    ("lenet5", "diff_prune", "ours"): _lenet5(
        (1.2, 0.1, 0.06, 3),
        "diff_prune",
        (
            Phase(1, gate_learning_rate=0.001),
            Phase(2, gate_learning_rate=0.001),
            Phase(11, gate_learning_rate=0.001, cosine=True),
        ),
        {"transform": "clip", "scale": 1.0, "noise": 0.5, "initial": 1.0},
        per_example=True,
    ),
    ("lenet5", "straight_through", "ours"): _lenet5(
        tuple(p * _EXAMPLES for p in (0.0136, 0.017, 0.0218, 0.0136)),
        "straight_through",
        (
            Phase(1, frozen=True),
            Phase(1, gate_learning_rate=0.002),
            Phase(2, gate_learning_rate=0.002),
            Phase(12, 2e-3, gate_learning_rate=0.002, cosine=True),
            Phase(15, 2e-3, cosine=True, frozen=True),
        ),
        {},
        on=("weights",) * 4,
    ),
}
