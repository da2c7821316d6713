"""L0 gates for Keras: train, strip and export smaller networks."""

# First: help and slips on the command line need no TensorFlow.
from keras_l0.cli import early as _early  # noqa: F401

# isort: split
from keras_l0 import budget
from keras_l0 import callbacks
from keras_l0 import cost
from keras_l0 import distributions
from keras_l0 import export
from keras_l0 import gates
from keras_l0 import gating
from keras_l0 import layers
from keras_l0 import report
from keras_l0 import surgery
from keras_l0 import training
from keras_l0.budget import Budget
from keras_l0.budget import expected_cost
from keras_l0.export import export_litert
from keras_l0.export import export_saved_model
from keras_l0.gating import add_gates
from keras_l0.layers import GateVector
from keras_l0.layers import L0Gate
from keras_l0.report import compare
from keras_l0.surgery import strip_gates
from keras_l0.training import L0Model
from keras_l0.version import __version__

__all__ = [
    "Budget",
    "GateVector",
    "L0Gate",
    "L0Model",
    "__version__",
    "add_gates",
    "budget",
    "callbacks",
    "compare",
    "cost",
    "distributions",
    "expected_cost",
    "export",
    "export_litert",
    "export_saved_model",
    "gates",
    "gating",
    "layers",
    "report",
    "strip_gates",
    "surgery",
    "training",
]
