"""Embedding: each unit is a column of the table."""

import numpy as np
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection


@register_strip_rule(layers.Embedding)
class EmbeddingRule(StripRule):
    """A column that has one value in all rows is a constant."""

    def barrier(self, call):
        if set(call.weights) != {"embeddings"}:
            return Barrier.EXTRA_WEIGHTS
        return super().barrier(call)

    def output_axes(self, call, axes):
        return [len(call.output_shapes[0]) - 1]

    def forward(self, call, inputs):
        table = call.weights["embeddings"].astype("float64")
        (axis,) = self.output_axes(call, [inputs[0].axis])
        known = (table == table[0]).all(axis=0)
        return [Channels(axis, known, np.where(known, table[0], 0))]

    def backward(self, call, inputs, kept):
        return [np.ones(inputs[0].size, bool)]

    def plan(self, call, inputs, outputs, kept):
        table = call.weights["embeddings"][:, kept[0]]
        return Step(
            {0: inputs[0].adapt_all()},
            [Selection.of(outputs[0], kept[0])],
            {"output_dim": table.shape[1]},
            {"embeddings": table},
        )

    def scaled_weights(self, call, factors):
        return {"embeddings": call.weights["embeddings"] * factors}
