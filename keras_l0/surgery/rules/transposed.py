"""Transposed convolution: spreads each input position over many outputs."""

import math

from keras import layers

from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rules.linear import ConvRule


@register_strip_rule(layers.Conv1DTranspose)
@register_strip_rule(layers.Conv2DTranspose)
@register_strip_rule(layers.Conv3DTranspose)
class TransposedRule(ConvRule):
    """A kernel of shape `(..., outputs, inputs)`.

    How many kernel positions an output sees depends on where it lies, even
    without padding, at the border and between strides. A constant is the same
    at all of them only where kernel and strides are 1.
    """

    def groups(self, call):
        return 1

    def oriented(self, kernel):
        return kernel.swapaxes(-1, -2)

    def folds_constants(self, call):
        layer = call.layer
        return math.prod(layer.kernel_size) == math.prod(layer.strides) == 1
