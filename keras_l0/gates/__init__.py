"""Gate families: one file per published method."""

from keras_l0.gates.arm import ARM
from keras_l0.gates.dependent_hard_concrete import DependentHardConcrete
from keras_l0.gates.diff_prune import DiffPrune
from keras_l0.gates.gate import Gate
from keras_l0.gates.hard_concrete import HardConcrete
from keras_l0.gates.lookup import get
from keras_l0.gates.straight_through import StraightThrough
from keras_l0.gates.weight_group import WeightGroup

__all__ = [
    "ARM",
    "DependentHardConcrete",
    "DiffPrune",
    "Gate",
    "HardConcrete",
    "StraightThrough",
    "WeightGroup",
    "get",
]
