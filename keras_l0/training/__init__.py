"""The training step that gates need, and what goes with it."""

from keras_l0.training.batch_statistics import recalibrate_batch_statistics
from keras_l0.training.gated_optimizer import GatedOptimizer
from keras_l0.training.l0_model import L0Model

__all__ = [
    "GatedOptimizer",
    "L0Model",
    "recalibrate_batch_statistics",
]
