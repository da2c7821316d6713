"""Gate families: one file per published method."""

from keras_l0.gates.gate import Gate
from keras_l0.gates.hard_concrete import HardConcrete
from keras_l0.gates.lookup import get

__all__ = ["Gate", "HardConcrete", "get"]
