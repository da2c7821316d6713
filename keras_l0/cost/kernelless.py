"""Layers that have weights, but no kernel: they count no multiplications."""

import keras

from keras_l0.cost.registry import register_cost_rule


@register_cost_rule(
    keras.layers.BatchNormalization,
    keras.layers.Embedding,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Normalization,
    keras.layers.PReLU,
    keras.layers.RMSNormalization,
    weights={"count": "", "*": "o"},
)
def kernelless(layer, input_shape, output_shape):
    """Work per element, or a look-up."""
    return 0


@register_cost_rule(keras.layers.ReversibleEmbedding)
def reversible_embedding(layer, input_shape, output_shape):
    """A look-up or, in reverse, a product: the shapes alone do not tell."""
    return None
