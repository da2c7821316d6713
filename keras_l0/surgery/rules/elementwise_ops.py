"""Operations of `keras.ops` that work on each entry alone."""

import keras
import numpy as np

from keras_l0.internal.keras_internals import operation_class
from keras_l0.surgery import activations
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import StripRule

# f(z * x) == z * f(x) for z >= 0
_HOMOGENEOUS = (
    "Absolute",
    "Copy",
    "LeakyRelu",
    "Negative",
    "Relu",
    "StopGradient",
)
_OTHER = (
    "Arctan",
    "Ceil",
    "Celu",
    "Clip",
    "Cos",
    "Elu",
    "Erf",
    "Exp",
    "Expm1",
    "Floor",
    "Gelu",
    "HardShrink",
    "HardSigmoid",
    "HardSilu",
    "HardTanh",
    "Log",
    "Log1p",
    "LogSigmoid",
    "Reciprocal",
    "Relu6",
    "Round",
    "Rsqrt",
    "Selu",
    "Sigmoid",
    "Sign",
    "Silu",
    "Sin",
    "SoftShrink",
    "Softplus",
    "Softsign",
    "SparsePlus",
    "SparseSigmoid",
    "Sqrt",
    "Square",
    "Squareplus",
    "Tanh",
    "TanhShrink",
    "Threshold",
)


class ElementwiseOperationRule(StripRule):
    """A constant channel becomes the function's value."""

    def forward(self, call, inputs):
        x = inputs[0]
        value = np.where(x.known, x.value, 0)
        value = activations.evaluate(call.layer.call, value)
        known = x.known & np.isfinite(value)
        return [Channels(x.axis, known, np.where(known, value, 0))]


class HomogeneousOperationRule(ElementwiseOperationRule):
    """Factors pass through."""

    def commutes_with_scale(self, call):
        return True


class CastRule(ElementwiseOperationRule):
    """Factors pass through, between types of real numbers."""

    def commutes_with_scale(self, call):
        return keras.backend.is_float_dtype(call.layer.dtype)


for _name in _HOMOGENEOUS:
    register_strip_rule(operation_class(_name))(HomogeneousOperationRule)
for _name in _OTHER:
    register_strip_rule(operation_class(_name))(ElementwiseOperationRule)
register_strip_rule(operation_class("Cast"))(CastRule)
