"""L0 gates for Keras: train, strip and export smaller networks."""

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
    "GateVector",
    "L0Gate",
    "L0Model",
    "__version__",
    "add_gates",
    "callbacks",
    "compare",
    "cost",
    "distributions",
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
