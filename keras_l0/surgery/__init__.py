"""Removes closed units for good: read, analyze, plan, rebuild."""

from keras_l0.surgery import rules as _rules  # noqa: F401  (registers them)
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.report import StripReport
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.strip import strip_gates

__all__ = [
    "Barrier",
    "Channels",
    "StripReport",
    "StripRule",
    "register_strip_rule",
    "strip_gates",
]
