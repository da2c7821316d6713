"""Reports on what gating and stripping have brought."""

from keras_l0.report.compare import compare
from keras_l0.report.comparison import Comparison
from keras_l0.report.comparison import ModelFigures

__all__ = ["Comparison", "ModelFigures", "compare"]
