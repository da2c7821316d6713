"""What the gates are compared with; no gate of these trains.

The dense network; magnitude pruning, of all layers together, with training
under a mask; and the architecture that a gated run found, from new weights.
Each has as many epochs as the gated rows of its network. The masks are frozen
straight-through gates.
"""

from benchmarks.family_recipes import FAMILY_RECIPES
from benchmarks.recipe import Phase
from benchmarks.recipe import Recipe

_LAYERS = {"lenet_300_100": 3, "lenet5": 4}
# Epochs before the first cut, and behind it.
_EPOCHS = {"lenet_300_100": (20, 28), "lenet5": (4, 21)}
_RATE = 1e-3


def _recipe(network, phases, **kwargs):
    layers = _LAYERS[network]
    return Recipe(
        (0.0,) * layers,
        (0.5,) * layers,
        phases,
        family="straight_through",
        **kwargs,
    )


def _dense(network):
    """As the longest gated rows; LeNet-5 as straight-through, which it is for.

    Wide convolutions are slow.
    """
    first, rest = {**_EPOCHS, "lenet5": (4, 12)}[network]
    phases = (
        Phase(first, _RATE, frozen=True),
        Phase(rest, _RATE, cosine=True, frozen=True),
    )
    return _recipe(network, phases, on=("weights",) * _LAYERS[network])


def _magnitude(network, percents):
    """Cuts to each of `percents`; most epochs follow the last one."""
    first, rest = _EPOCHS[network]
    *before, last = percents
    between = {20: 5, 4: 2}[first]
    phases = (
        Phase(first, _RATE, frozen=True),
        *[
            Phase(between, _RATE, frozen=True, magnitude=percent)
            for percent in before
        ],
        Phase(
            rest - between * len(before),
            _RATE,
            cosine=True,
            frozen=True,
            magnitude=last,
        ),
    )
    return _recipe(network, phases, on=("weights",) * _LAYERS[network])


def _scratch(network, row):
    """As many epochs and as high a rate as what found the architecture."""
    found = FAMILY_RECIPES[network, row, "ours"].phases
    first, _ = _EPOCHS[network]
    rest = sum(phase.epochs for phase in found) - first
    rate = max(phase.learning_rate for phase in found)
    phases = (
        Phase(first, rate, frozen=True),
        Phase(rest, rate, cosine=True, frozen=True),
    )
    return _recipe(network, phases, architecture_of=f"{row}-ours")


BASELINE_RECIPES = {
    (network, row, "ours"): recipe
    for network in _LAYERS
    for row, recipe in {
        "dense": _dense(network),
        "scratch_of_arm_uniform": _scratch(network, "arm_uniform"),
        "scratch_of_arm_separate": _scratch(network, "arm_separate"),
    }.items()
} | {
    ("lenet_300_100", "magnitude_13", "ours"): _magnitude(
        "lenet_300_100", (30, 13)
    ),
    ("lenet_300_100", "magnitude_6.7", "ours"): _magnitude(
        "lenet_300_100", (20, 6.7)
    ),
    ("lenet_300_100", "magnitude_2", "ours"): _magnitude(
        "lenet_300_100", (20, 5, 2)
    ),
    ("lenet5", "magnitude_4.5", "ours"): _magnitude("lenet5", (10, 4.5)),
    ("lenet5", "magnitude_1", "ours"): _magnitude("lenet5", (10, 1)),
    ("lenet5", "magnitude_0.5", "ours"): _magnitude("lenet5", (10, 2, 0.5)),
}
