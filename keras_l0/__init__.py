"""L0 gates for Keras: train, strip and export smaller networks."""

from keras_l0 import cost
from keras_l0 import distributions
from keras_l0 import gates
from keras_l0 import layers
from keras_l0 import surgery
from keras_l0.layers import GateVector
from keras_l0.layers import L0Gate
from keras_l0.surgery import strip_gates

__all__ = [
    "GateVector",
    "L0Gate",
    "cost",
    "distributions",
    "gates",
    "layers",
    "strip_gates",
    "surgery",
]
