"""Reports on what gating and stripping have brought."""

from keras_l0.report.compare import compare
from keras_l0.report.comparison import Comparison
from keras_l0.report.comparison import ModelFigures
from keras_l0.report.figures import plot_accuracy_size
from keras_l0.report.figures import plot_architecture
from keras_l0.report.figures import plot_open_units
from keras_l0.report.figures import plot_pareto
from keras_l0.report.html import to_html
from keras_l0.report.pareto import ParetoFront
from keras_l0.report.pareto import ParetoPoint

__all__ = [
    "Comparison",
    "ModelFigures",
    "ParetoFront",
    "ParetoPoint",
    "compare",
    "plot_accuracy_size",
    "plot_architecture",
    "plot_open_units",
    "plot_pareto",
    "to_html",
]
