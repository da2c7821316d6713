"""Keras layers that gate other layers."""

from keras_l0.layers.collect import gate_layers
from keras_l0.layers.collect import gate_vectors
from keras_l0.layers.collect import has_gates
from keras_l0.layers.gate_vector import GateVector
from keras_l0.layers.l0_gate import L0Gate

__all__ = [
    "GateVector",
    "L0Gate",
    "gate_layers",
    "gate_vectors",
    "has_gates",
]
