"""Sums, products, quotients, extrema: of tensors and constants."""

import numpy as np
from keras import layers

from keras_l0.internal.keras_internals import operation_class
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rules.entrywise import ArithmeticRule


@register_strip_rule(layers.Add)
@register_strip_rule(operation_class("Add"))
class AddRule(ArithmeticRule):
    """A sum keeps the union of what its branches keep.

    A branch that is constant disappears; its constants are added elsewhere.
    """

    sums = True

    def combine(self, operands):
        return sum(operands)

    def drops(self, call, i):
        return True

    def put_in(self, adapter, constants):
        return adapter.shifted(np.sum(constants, axis=0))


@register_strip_rule(layers.Subtract)
@register_strip_rule(operation_class("Subtract"))
class SubtractRule(ArithmeticRule):
    """What is subtracted may be constant, and disappear."""

    def combine(self, operands):
        return operands[0] - operands[1]

    def drops(self, call, i):
        return i == 1

    def put_in(self, adapter, constants):
        return adapter.shifted(-constants[0])


@register_strip_rule(layers.Multiply)
@register_strip_rule(operation_class("Multiply"))
class MultiplyRule(ArithmeticRule):
    """A product is 0 where one factor is (squeeze-and-excite)."""

    def combine(self, operands):
        return np.prod(np.broadcast_arrays(*operands), axis=0)

    def _vanishing_product(self, call, wide):
        zeros = [x.known & (x.value == 0) for x in wide]
        return np.any(zeros, axis=0)

    def drops(self, call, i):
        return True

    def put_in(self, adapter, constants):
        return adapter.scaled(np.prod(constants, axis=0))

    def commutes_with_scale(self, call):
        return call.input_shapes[0] == call.output_shapes[0]


@register_strip_rule(layers.Average)
class AverageRule(ArithmeticRule):
    """The mean of all operands."""

    sums = True

    def combine(self, operands):
        return sum(operands) / len(operands)


@register_strip_rule(layers.Maximum)
@register_strip_rule(operation_class("Maximum"))
class MaximumRule(ArithmeticRule):
    """The largest of all operands."""

    def combine(self, operands):
        return np.max(np.broadcast_arrays(*operands), axis=0)


@register_strip_rule(layers.Minimum)
@register_strip_rule(operation_class("Minimum"))
class MinimumRule(ArithmeticRule):
    """The smallest of all operands."""

    def combine(self, operands):
        return np.min(np.broadcast_arrays(*operands), axis=0)


@register_strip_rule(operation_class("Divide"))
@register_strip_rule(operation_class("TrueDivide"))
class DivideRule(ArithmeticRule):
    """A quotient of two tensors, or of a tensor and a constant."""

    def combine(self, operands):
        return operands[0] / operands[1]


@register_strip_rule(operation_class("Power"))
class PowerRule(ArithmeticRule):
    """A power whose base, exponent or both are tensors."""

    def combine(self, operands):
        return operands[0] ** operands[1]
