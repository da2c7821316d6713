"""Keras callbacks for models with gates."""

from keras_l0.callbacks.gate_history import GateHistory

__all__ = ["GateHistory"]
