"""Layers that work on each entry alone, and leave it alone in inference."""

import numpy as np
from keras import layers

from keras_l0.surgery import activations
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection


@register_strip_rule(layers.Identity)
@register_strip_rule(layers.Dropout)
@register_strip_rule(layers.SpatialDropout1D)
@register_strip_rule(layers.SpatialDropout2D)
@register_strip_rule(layers.SpatialDropout3D)
@register_strip_rule(layers.AlphaDropout)
@register_strip_rule(layers.GaussianDropout)
@register_strip_rule(layers.GaussianNoise)
@register_strip_rule(layers.ActivityRegularization)
class IdentityRule(StripRule):
    """Layers that do something in training only."""

    def commutes_with_scale(self, call):
        return True


@register_strip_rule(layers.ReLU)
@register_strip_rule(layers.LeakyReLU)
@register_strip_rule(layers.ELU)
class ElementwiseRule(StripRule):
    """Activation layers without weights."""

    def forward(self, call, inputs):
        x = inputs[0]
        value = activations.evaluate(call.layer.call, x.value)
        return [Channels(x.axis, x.known, np.where(x.known, value, 0))]

    def commutes_with_scale(self, call):
        layer = call.layer
        if isinstance(layer, layers.ReLU):
            return layer.max_value is None and not layer.threshold
        return isinstance(layer, layers.LeakyReLU)


@register_strip_rule(layers.Activation)
class ActivationRule(ElementwiseRule):
    """Any activation function; a barrier if it is not known entry by entry."""

    def barrier(self, call):
        if not activations.is_elementwise(call.layer.activation):
            return Barrier.COUPLED_CHANNELS
        return super().barrier(call)

    def commutes_with_scale(self, call):
        return activations.is_homogeneous(call.layer.activation)


@register_strip_rule(layers.PReLU)
class PReLURule(StripRule):
    """`x` where positive, `alpha * x` elsewhere; alpha may differ by entry."""

    def forward(self, call, inputs):
        x = inputs[0]
        alpha = self._by_channel(call, x.axis)
        same = (alpha == alpha[:1]).all(axis=0)
        known = x.known & ((x.value >= 0) | same)
        value = np.where(x.value >= 0, x.value, alpha[0] * x.value)
        return [Channels(x.axis, known, np.where(known, value, 0))]

    def plan(self, call, inputs, outputs, kept):
        alpha, axis = call.weights["alpha"], inputs[0].channels.axis
        if axis is not None and alpha.shape[axis - 1] != 1:
            alpha = np.compress(kept[0], alpha, axis=axis - 1)
        adapter = inputs[0].adapt(np.flatnonzero(kept[0]))
        selection = Selection.of(outputs[0], kept[0])
        return Step({0: adapter}, [selection], {}, {"alpha": alpha})

    def commutes_with_scale(self, call):
        return True

    def _by_channel(self, call, axis):
        """Alpha as `[entries, channels]`."""
        alpha = call.weights["alpha"].astype("float64")
        if axis is None:
            return alpha.reshape(-1, 1)
        alpha = np.moveaxis(alpha, axis - 1, -1)
        size = call.input_shapes[0][axis]
        return np.broadcast_to(alpha, (*alpha.shape[:-1], size)).reshape(
            -1, size
        )
