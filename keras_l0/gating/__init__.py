"""Finds where a model can be gated, and gates it."""

from keras_l0.gating.add_gates import add_gates
from keras_l0.gating.sites import GateSite
from keras_l0.gating.sites import find_gate_sites

__all__ = ["GateSite", "add_gates", "find_gate_sites"]
