"""Model inputs keep their shape."""

import numpy as np
from keras import layers

from keras_l0.surgery.channels import Channels
from keras_l0.surgery.channels import default_axis
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection


@register_strip_rule(layers.InputLayer)
class InputRule(StripRule):
    """Nothing is known of a model input, and nothing is left out of it."""

    def barrier(self, call):
        return None

    def output_axes(self, call, axes):
        return [default_axis(call.output_shapes[0])]

    def forward(self, call, inputs):
        shape = call.output_shapes[0]
        return [Channels.whole(shape, default_axis(shape))]

    def backward(self, call, inputs, kept):
        return []

    def plan(self, call, inputs, outputs, kept):
        whole = np.ones(outputs[0].size, bool)
        return Step({}, [Selection.of(outputs[0], whole)])
