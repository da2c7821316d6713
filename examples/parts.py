"""What the networks of the examples are made of."""

import keras

import keras_l0


def dense(
    name: str, units: int, activation: str | None = None
) -> keras.layers.Dense:
    """A dense layer with the papers' initial weights."""
    return keras.layers.Dense(
        units, activation, kernel_initializer=_he_normal(), name=name
    )


def conv(name: str, filters: int) -> keras.layers.Conv2D:
    """A 5x5 convolution with ReLU and the papers' initial weights."""
    return keras.layers.Conv2D(
        filters,
        5,
        activation="relu",
        kernel_initializer=_he_normal(),
        name=name,
    )


def _he_normal():
    return keras.initializers.VarianceScaling(
        2.0, "fan_in", "untruncated_normal"
    )


def apply(
    layer: keras.layers.Layer,
    x: keras.KerasTensor,
    l0: float | None,
    on: str,
    drop_rate: float = 0.5,
) -> keras.KerasTensor:
    """Calls the layer, with gates unless `l0` is None.

    Every image draws gates of its own (`noise_shape`, as in dropout). One draw
    for a whole batch is cheaper and does as well on large datasets; on the
    small digits it costs accuracy.

    Args:
        layer: A layer that has no more than one input.
        x: Its input.
        l0: As in `keras_l0.L0Gate`; None leaves the layer dense.
        on: `"outputs"` or `"inputs"`.
        drop_rate: As in `keras_l0.gates.HardConcrete`.
    """
    if l0 is None:
        return layer(x)
    shape = x.shape if on == "inputs" else layer.compute_output_shape(x.shape)
    gated = keras_l0.L0Gate(
        layer,
        keras_l0.gates.HardConcrete(drop_rate=drop_rate),
        l0=l0,
        on=on,
        noise_shape=(None, *(1 for _ in shape[1:-1]), shape[-1]),
        name=f"{layer.name}_{on}",
    )
    return gated(x)
