"""Tests that a traced function does what eager calls do, and is traced once."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util
from tests.conformance import properties

PROPERTY = properties.Property(
    "tf_function",
    descriptors.TRAINED,
    {
        "CALLBACKS": "run outside of it; run_eagerly fits with them, traced",
        "DISTRIBUTIONS": "clauses 8 and 22 of their own contract",
    },
)

X = descriptors.inputs()


def step(model, x, training, pathwise):
    """Outputs, losses and gradients of a pass; where a tape has none, none."""
    variables = [v.value for v in model.trainable_variables]
    if training and not pathwise:
        y = model(x, training=training)
        return y, list(model.losses), []
    with tf.GradientTape() as tape:
        y = model(x, training=training)
        losses = list(model.losses)
        value = tf.reduce_sum(y**2) + sum(losses)
    return y, losses, tape.gradient(value, variables)


class TfFunctionTest(test_util.TestCase):
    @parameterized.named_parameters(*PROPERTY.named)
    def test_traced_equals_eager(self, row):
        eager, model = row.model(), row.model()

        @tf.function(
            input_signature=[
                tf.TensorSpec((None, 4)),
                tf.TensorSpec((), "bool"),
            ]
        )
        def unknown_batch_size(x, training):
            del training
            return step(model, x, True, row.pathwise)

        known = tf.function(
            lambda x, training: step(model, x, training, row.pathwise)
        )
        for training in (False, True, True):
            expected = step(eager, X, training, row.pathwise)
            # Both advance the seed: the same draws follow.
            actual = known(tf.constant(X), training)
            for a, b in zip(
                tf.nest.flatten(actual), tf.nest.flatten(expected), strict=True
            ):
                # float32 sums of at most some 30 products.
                atol = 1e-5 * np.abs(b).max(initial=1e-3)
                self.assertAllClose(a, b, rtol=0, atol=atol)
        for size in (6, 2):
            y, _, gradients = unknown_batch_size(X[:size], True)
            self.assertEqual(y.shape, (size, 2))
            self.assertNotIn(None, gradients)

    @parameterized.named_parameters(*PROPERTY.named)
    def test_one_trace_serves_all_values(self, row):
        model = row.model()
        traced = tf.function(
            lambda x: (model(x, training=True), tf.add_n(model.losses + [0.0]))
        )
        inference = tf.function(lambda x: model(x, training=False))
        outputs = []
        for logits in ((-1000.0,), (0.0, 1.0), (1000.0,)):
            descriptors.set_logits(model, logits)
            traced(X)
            outputs.append(inference(X))
            self.assertAllClose(outputs[-1], model(X), rtol=1e-5)
        self.assertNotAllClose(outputs[0], outputs[2])
        for function in (traced, inference):
            self.assertEqual(function.experimental_get_tracing_count(), 1)


if __name__ == "__main__":
    absltest.main()
