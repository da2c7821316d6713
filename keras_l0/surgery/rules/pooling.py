"""Pooling: each channel alone; padding is left out of maxima and means."""

from keras import layers

from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import StripRule


@register_strip_rule(layers.MaxPooling1D)
@register_strip_rule(layers.MaxPooling2D)
@register_strip_rule(layers.MaxPooling3D)
@register_strip_rule(layers.AveragePooling1D)
@register_strip_rule(layers.AveragePooling2D)
@register_strip_rule(layers.AveragePooling3D)
@register_strip_rule(layers.AdaptiveMaxPooling1D)
@register_strip_rule(layers.AdaptiveMaxPooling2D)
@register_strip_rule(layers.AdaptiveMaxPooling3D)
@register_strip_rule(layers.AdaptiveAveragePooling1D)
@register_strip_rule(layers.AdaptiveAveragePooling2D)
@register_strip_rule(layers.AdaptiveAveragePooling3D)
class PoolingRule(StripRule):
    """A constant channel stays the constant that it is."""

    def input_axes(self, call, axes):
        return [call.channel_axis]

    def commutes_with_scale(self, call):
        return True


@register_strip_rule(layers.GlobalMaxPooling1D)
@register_strip_rule(layers.GlobalMaxPooling2D)
@register_strip_rule(layers.GlobalMaxPooling3D)
@register_strip_rule(layers.GlobalAveragePooling1D)
@register_strip_rule(layers.GlobalAveragePooling2D)
@register_strip_rule(layers.GlobalAveragePooling3D)
class GlobalPoolingRule(PoolingRule):
    """As pooling; the channels end on axis 1 unless `keepdims`."""

    def output_axes(self, call, axes):
        return axes if call.layer.keepdims else [1]
