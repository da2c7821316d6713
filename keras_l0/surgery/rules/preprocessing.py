"""Layers that prepare data: an affine map of each entry, or augmentation."""

import keras
import numpy as np
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.rules.elementwise import IdentityRule
from keras_l0.surgery.selection import Selection


class AffineRule(StripRule):
    """`slope * x + offset`, both of which may differ by entry."""

    def coefficients(self, call: Call) -> tuple[np.ndarray, np.ndarray]:
        """Slope and offset, float64 arrays that fit the input's last axes."""
        raise NotImplementedError

    def config(self, call: Call, axis: int, kept: np.ndarray) -> dict:
        """Config changes with which a layer works on channels `kept`.

        It then has no weights; if there are no changes, it keeps its own.
        """
        raise NotImplementedError

    def barrier(self, call):
        shape = call.input_shapes[0]
        for part in self.coefficients(call):
            fits = part.ndim <= len(shape) and all(
                size in (1, own)
                for size, own in zip(
                    part.shape[::-1], shape[::-1], strict=False
                )
            )
            if not fits:
                return Barrier.BROADCASTING
        return super().barrier(call)

    def forward(self, call, inputs):
        x = inputs[0]
        slope, offset = (
            self._by_channel(call, part, x) for part in self.coefficients(call)
        )
        value = slope * np.where(x.known, x.value, 0) + offset
        value = value.reshape(-1, x.size)
        zero = (slope == 0).reshape(-1, x.size).all(axis=0)
        known = (x.known | zero) & (value == value[0]).all(axis=0)
        return [Channels(x.axis, known, np.where(known, value[0], 0))]

    def _by_channel(self, call, part, x):
        """A coefficient with as many axes as the input, the channels last."""
        rank = len(call.input_shapes[0])
        part = part.reshape((1,) * (rank - part.ndim) + part.shape)
        if x.axis is None:
            return part[..., None]
        part = np.moveaxis(part, x.axis, -1)
        return np.broadcast_to(part, (*part.shape[:-1], x.size))

    def plan(self, call, inputs, outputs, kept):
        x = inputs[0]
        adapter = x.adapt(np.flatnonzero(kept[0]))
        selection = Selection.of(outputs[0], kept[0])
        config = self.config(call, x.channels.axis, kept[0])
        return Step({0: adapter}, [selection], config, {} if config else None)

    def commutes_with_scale(self, call):
        return not self.coefficients(call)[1].any()


@register_strip_rule(layers.Rescaling)
class RescalingRule(AffineRule):
    """`x * scale + offset`."""

    def coefficients(self, call):
        scale, offset = (
            _array(keras.ops.cast(part, call.layer.compute_dtype))
            for part in (call.layer.scale, call.layer.offset)
        )
        if scale.ndim and keras.config.image_data_format() == "channels_first":
            # So Keras does, with the scale but not with the offset.
            scale = scale.reshape(scale.shape + (1,) * (3 - scale.ndim))
        return scale, offset

    def config(self, call, axis, kept):
        scale, offset = (
            keras.saving.serialize_keras_object(
                _compress(call, part, axis, kept)
            )
            for part in self.coefficients(call)
        )
        return {"scale": scale, "offset": offset}


@register_strip_rule(layers.Normalization)
class NormalizationRule(AffineRule):
    """`(x - mean) / sqrt(variance)`, or its inverse."""

    def coefficients(self, call):
        mean, variance = _array(call.layer.mean), _array(call.layer.variance)
        deviation = np.maximum(np.sqrt(variance), keras.config.epsilon())
        if call.layer.invert:
            return deviation, mean
        return 1 / deviation, -mean / deviation

    def config(self, call, axis, kept):
        layer = call.layer
        if kept.all() and call.weights:
            return {}
        rank = len(call.input_shapes[0])
        own_axes = sorted(own % rank for own in layer.axis)
        moments = {}
        for name in ("mean", "variance"):
            part = _array(getattr(layer, name))
            part = _compress(call, part, axis, kept)
            part = part.reshape([part.shape[own] for own in own_axes])
            moments[name] = _as_lists(part)
        return moments


# In inference each of them returns the images that it is given.
for _augmentation in (
    layers.AugMix,
    layers.CutMix,
    layers.MixUp,
    layers.RandAugment,
    layers.RandomBrightness,
    layers.RandomColorDegeneration,
    layers.RandomColorJitter,
    layers.RandomContrast,
    layers.RandomElasticTransform,
    layers.RandomErasing,
    layers.RandomFlip,
    layers.RandomGaussianBlur,
    layers.RandomGrayscale,
    layers.RandomHue,
    layers.RandomInvert,
    layers.RandomPerspective,
    layers.RandomPosterization,
    layers.RandomRotation,
    layers.RandomSaturation,
    layers.RandomSharpness,
    layers.RandomShear,
    layers.RandomTranslation,
    layers.RandomZoom,
):
    register_strip_rule(_augmentation)(IdentityRule)


def _array(tensor):
    return keras.ops.convert_to_numpy(tensor).astype("float64")


def _as_lists(array):
    """Nested lists of NumPy's numbers.

    Configs of lists can be compared; of Python's numbers Keras would take no
    more than single precision.
    """
    return [_as_lists(part) for part in array] if array.ndim else array[()]


def _compress(call, part, axis, kept):
    """The channels `kept` of what may be one value for all of them."""
    if axis is None:
        return part
    axis -= len(call.input_shapes[0])  # counted from the back
    if part.ndim < -axis or part.shape[axis] == 1:
        return part
    return np.compress(kept, part, axis=axis)
