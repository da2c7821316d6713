"""Keras callbacks for models with gates."""

from keras_l0.callbacks.gate_history import GateHistory
from keras_l0.callbacks.gate_summaries import GateSummaries
from keras_l0.callbacks.pareto_checkpoint import ParetoCheckpoint

__all__ = ["GateHistory", "GateSummaries", "ParetoCheckpoint"]
