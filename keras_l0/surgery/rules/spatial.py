"""Layers that pad, crop, repeat or resize each channel alone."""

import numpy as np
from keras import layers

from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection


@register_strip_rule(layers.Cropping1D)
@register_strip_rule(layers.Cropping2D)
@register_strip_rule(layers.Cropping3D)
@register_strip_rule(layers.UpSampling1D)
@register_strip_rule(layers.UpSampling3D)
class SpatialRule(StripRule):
    """Every entry of the output is one of the input's, of its channel."""

    def input_axes(self, call, axes):
        return [call.channel_axis]

    def commutes_with_scale(self, call):
        return True


@register_strip_rule(layers.RepeatVector)
class RepeatVectorRule(SpatialRule):
    """From `(batch, features)` to `(batch, n, features)`."""

    def output_axes(self, call, axes):
        return [2]


class FillingRule(SpatialRule):
    """Entries of the output may be others than those of the input.

    Zeros stay zeros; another constant may not stay one.
    """

    def stays(self, call: Call, value: np.ndarray) -> np.ndarray:
        """Whether channels of these values, all over, stay as they are."""
        return value == 0

    def forward(self, call, inputs):
        x = inputs[0]
        known = x.known & self.stays(call, x.value)
        return [Channels(x.axis, known, np.where(known, x.value, 0))]

    def plan(self, call, inputs, outputs, kept):
        x = inputs[0]
        put_in = kept[0] & ~outputs[0].known & (x.position < 0)
        if not put_in.any():
            return super().plan(call, inputs, outputs, kept)
        adapter = x.adapt(np.flatnonzero(kept[0]))
        return Step({0: adapter}, [Selection.of(outputs[0], kept[0])])


@register_strip_rule(layers.ZeroPadding1D)
@register_strip_rule(layers.ZeroPadding2D)
@register_strip_rule(layers.ZeroPadding3D)
class ZeroPaddingRule(FillingRule):
    """Zeros around each channel."""

    def stays(self, call, value):
        return (value == 0) | (not np.any(call.layer.padding))


@register_strip_rule(layers.UpSampling2D)
class UpSamplingRule(FillingRule):
    """Repeats entries, or interpolates between them.

    Interpolation is computed in single precision at most: of what it makes of
    a constant or of a factor, only zeros are sure.
    """

    def stays(self, call, value):
        return (value == 0) | (call.layer.interpolation == "nearest")

    def commutes_with_scale(self, call):
        return call.layer.interpolation == "nearest"


@register_strip_rule(layers.Resizing)
class ResizingRule(UpSamplingRule):
    """As up-sampling; a new aspect ratio may fill the border."""

    def stays(self, call, value):
        fills = call.layer.pad_to_aspect_ratio
        unlike = fills & (value != call.layer.fill_value)
        return super().stays(call, value) & ~unlike

    def commutes_with_scale(self, call):
        layer = call.layer
        if layer.pad_to_aspect_ratio and layer.fill_value:
            return False
        return super().commutes_with_scale(call)


@register_strip_rule(layers.CenterCrop)
class CenterCropRule(FillingRule):
    """Resizes an image that is smaller, by interpolation."""

    def commutes_with_scale(self, call):
        return False
