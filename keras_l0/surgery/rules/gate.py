"""The operations that the reader and the analysis put in by themselves."""

import dataclasses

import numpy as np

from keras_l0.graph import Scale
from keras_l0.surgery.alignment import Realign
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection


@register_strip_rule(Scale)
class ScaleRule(StripRule):
    """A gate: closed channels are 0, open ones leave a factor to fold."""

    def input_axes(self, call, axes):
        return [call.layer.axis]

    def forward(self, call, inputs):
        x, gates, closed = inputs[0], call.layer.gates, call.layer.closed
        known = x.known | closed
        if call.layer.keep:
            # A constant that an open gate multiplies moves with the gate.
            known = closed | (x.known & (x.value == 0))
        value = np.where(closed, 0, x.value * gates)
        return [Channels(x.axis, known, np.where(known, value, 0))]

    def plan(self, call, inputs, outputs, kept):
        x = inputs[0]
        if call.layer.keep:
            adapter = x.adapt(np.flatnonzero(kept[0]))
            selection = Selection.of(outputs[0], kept[0])
            return Step({0: adapter}, [selection], None, gates=kept[0])
        selection = dataclasses.replace(
            x, channels=outputs[0], scale=x.scale * call.layer.gates
        )
        return Step({0: x.adapt_nothing()}, [selection], None)

    def commutes_with_scale(self, call):
        return True


@register_strip_rule(Realign)
class RealignRule(StripRule):
    """A tensor, from here on followed along another axis."""

    def output_axes(self, call, axes):
        return [call.layer.axis]

    def forward(self, call, inputs):
        return [Channels.whole(call.output_shapes[0], call.layer.axis)]

    def backward(self, call, inputs, kept):
        return [np.ones(inputs[0].size, bool)]

    def plan(self, call, inputs, outputs, kept):
        whole = Selection.of(outputs[0], np.ones(outputs[0].size, bool))
        return Step({0: inputs[0].adapt_all()}, [whole], None)
