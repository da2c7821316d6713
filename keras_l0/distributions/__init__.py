"""Distributions of gates, on TensorFlow Probability."""

from keras_l0.distributions.bernoulli_gate import BernoulliGate
from keras_l0.distributions.clipped import Clipped
from keras_l0.distributions.deterministic_gate import DeterministicGate
from keras_l0.distributions.gate_distribution import GateDistribution
from keras_l0.distributions.hard_concrete import HardConcrete
from keras_l0.distributions.stretched_concrete import StretchedConcrete

__all__ = [
    "BernoulliGate",
    "Clipped",
    "DeterministicGate",
    "GateDistribution",
    "HardConcrete",
    "StretchedConcrete",
]
