"""What is trained: the published rows, and how to train for each of them."""

from benchmarks.baseline_recipes import BASELINE_RECIPES
from benchmarks.family_recipes import FAMILY_RECIPES
from benchmarks.recipe import Phase
from benchmarks.recipe import Recipe

# (network, row) -> architecture, percent of the weights left, error in percent
PUBLISHED = {
    ("lenet_300_100", "uniform"): ((219, 214, 100), 26.02, 1.4),
    ("lenet_300_100", "separate"): ((266, 88, 33), 10.01, 1.8),
    ("lenet5", "uniform"): ((20, 25, 45, 462), 8.92, 0.9),
    ("lenet5", "separate"): ((9, 18, 65, 25), 1.43, 1.0),
    ("lenet_300_100", "arm_uniform"): ((143, 153, 78), 13.00, 1.7),
    ("lenet_300_100", "arm_separate"): ((159, 74, 73), 6.72, 1.9),
    ("lenet5", "arm_uniform"): ((20, 16, 32, 257), 4.48, 0.9),
    ("lenet5", "arm_separate"): ((6, 10, 39, 11), 0.51, 1.3),
}


def _published(l0, drop_rate, averaging=None):
    return Recipe(
        l0, drop_rate, (Phase(200),), batch_size=100, averaging=averaging
    )


_MLP_DROP_RATE = (0.2, 0.5, 0.5)
_LENET5_DROP_RATE = (0.5,) * 4

RECIPES = {
    **FAMILY_RECIPES,
    **BASELINE_RECIPES,
    ("lenet_300_100", "uniform", "published"): _published(
        (0.1,) * 3, _MLP_DROP_RATE, averaging=0.999
    ),
    ("lenet_300_100", "separate", "published"): _published(
        (0.1, 0.3, 0.4), _MLP_DROP_RATE, averaging=0.999
    ),
    ("lenet5", "uniform", "published"): _published(
        (0.1,) * 4, _LENET5_DROP_RATE
    ),
    ("lenet5", "separate", "published"): _published(
        (10, 0.5, 0.1, 10), _LENET5_DROP_RATE
    ),
    ("lenet_300_100", "uniform", "ours"): Recipe(
        (0.1, 0.21, 1.2),
        _MLP_DROP_RATE,
        (
            Phase(20, gate_learning_rate=0.005),
            Phase(25, gate_learning_rate=0.005, cosine=True),
            Phase(3, 1e-4, cosine=True, frozen=True),
        ),
        clamp=2.5,
    ),
    ("lenet_300_100", "separate", "ours"): Recipe(
        (0.215, 0.785, 1.7),
        _MLP_DROP_RATE,
        (
            Phase(20, gate_learning_rate=0.01),
            Phase(25, gate_learning_rate=0.005, cosine=True),
            Phase(3, 1e-4, cosine=True, frozen=True),
        ),
        clamp=2.5,
    ),
    ("lenet5", "uniform", "ours"): Recipe(
        (9, 0.45, 0.18, 18),
        _LENET5_DROP_RATE,
        (
            Phase(2, gate_learning_rate=0.03),
            Phase(2, 2e-3, gate_learning_rate=0.03),
            Phase(8, 2e-3, gate_learning_rate=0.02, cosine=True),
            Phase(8, 5e-4, cosine=True, frozen=True),
        ),
        clamp=3.0,
    ),
    ("lenet5", "separate", "ours"): Recipe(
        (16, 0.8, 0.465, 32),
        _LENET5_DROP_RATE,
        (
            Phase(2, gate_learning_rate=0.03),
            Phase(3, 2e-3, gate_learning_rate=0.03),
            Phase(20, 2e-3, gate_learning_rate=0.01, cosine=True),
            Phase(10, 5e-4, cosine=True, frozen=True),
        ),
        clamp=3.0,
    ),
}
