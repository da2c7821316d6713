"""Distributions of gates, on TensorFlow Probability."""

from keras_l0.distributions.clipped import Clipped
from keras_l0.distributions.gate_distribution import GateDistribution
from keras_l0.distributions.hard_concrete import HardConcrete
from keras_l0.distributions.stretched_concrete import StretchedConcrete

__all__ = [
    "Clipped",
    "GateDistribution",
    "HardConcrete",
    "StretchedConcrete",
]
