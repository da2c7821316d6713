"""Keras callbacks for models with gates."""

from keras_l0.callbacks.compact import Compact
from keras_l0.callbacks.gate_history import GateHistory
from keras_l0.callbacks.gate_summaries import GateSummaries
from keras_l0.callbacks.pareto_checkpoint import ParetoCheckpoint

__all__ = ["Compact", "GateHistory", "GateSummaries", "ParetoCheckpoint"]
