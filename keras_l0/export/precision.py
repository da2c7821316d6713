"""What precision a model computes in, and how to have it in float32."""

import keras

from keras_l0.internal import keras_internals

_FROM_COARSE_TO_FINE = ("bfloat16", "float16", "float32", "float64")


def coarsest(dtypes: set[str]) -> str:
    """The float type of `dtypes` that rounds most; `"float32"` without any."""
    for dtype in _FROM_COARSE_TO_FINE:
        if dtype in dtypes:
            return dtype
    return "float32"


def compute_dtypes(model: keras.Model) -> set[str]:
    """Types in which the layers of `model` compute."""
    return {
        layer.compute_dtype
        for layer in keras_internals.flatten_layers(model)
        if not isinstance(layer, keras.layers.InputLayer)
    }


def in_float32(model: keras.Model) -> keras.Model:
    """The model itself, or a copy in float32 if it computes in another type.

    LiteRT's kernels are float32: half precision and float64 have next to none.
    The copy's inputs keep their types. Mixed precision keeps its weights in
    float32, so that the copy is the more exact of the two.

    Args:
        model: A Sequential or Functional model of stock layers.

    Returns:
        model: `model`, or a copy with weights of its own.
    """
    if not compute_dtypes(model) & {"bfloat16", "float16", "float64"}:
        return model
    copy = keras.models.clone_model(model, clone_function=_clone)
    copy.set_weights(model.get_weights())
    return copy


def _clone(layer):
    if not isinstance(layer, keras.layers.Layer):
        return layer  # an operation of `keras.ops`
    return type(layer).from_config(_without_policies(layer.get_config()))


def _without_policies(config):
    """`config` with float32 for each float type, of inner layers as well."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return "float32"
        return {
            key: "float32"
            if key == "dtype" and value in _FROM_COARSE_TO_FINE
            else _without_policies(value)
            for key, value in config.items()
        }
    if isinstance(config, (list, tuple)):
        return type(config)(map(_without_policies, config))
    return config
