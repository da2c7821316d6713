"""Tests of training loops that users write with a `GradientTape`."""

import keras
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util
from tests.conformance import properties
from tests.conformance import trials

PLAIN = tuple(
    row
    for row in descriptors.ROWS
    if not getattr(row.make(), "needs_model", False)
)
MODEL = tuple(
    row
    for row in descriptors.TRAINED
    if row not in PLAIN and row.name != "budget"
)
PROPERTY = properties.Property(
    "gradient_tape",
    (*PLAIN, *MODEL),
    {
        "budget": "it is a plan for `fit`",
        "CALLBACKS": "Keras calls them in `fit` only",
        "DISTRIBUTIONS": properties.NOT_TRAINED,
    },
)


class GradientTapeTest(test_util.TestCase):
    @parameterized.named_parameters(*descriptors.named(PLAIN))
    def test_loop_over_a_plain_model_trains_like_fit(self, row):
        known = row.model()
        known.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
        trials.fit(known, epochs=1)
        keras.utils.clear_session(free_memory=False)
        model = row.model()
        variables = model.trainable_variables
        model.optimizer = keras.optimizers.SGD(0.1)
        for batch in trials.BATCHES:
            with tf.GradientTape() as tape:
                error = model(trials.X[batch], training=True) - trials.Y[batch]
                loss = tf.reduce_mean(error**2) + tf.add_n([0.0, *model.losses])
            gradients = tape.gradient(loss, [v.value for v in variables])
            model.optimizer.apply(gradients, variables)
        trials.check_same(self, known, model, rtol=1e-6)

    @parameterized.named_parameters(*descriptors.named(MODEL))
    def test_loop_over_training_steps_trains_like_fit(self, row):
        """What more than the tape is needed, the step of the model has."""
        known = trials.compiled(row)
        trials.fit(known, epochs=1)
        keras.utils.clear_session(free_memory=False)
        model = trials.compiled(row)
        for batch in trials.BATCHES:
            x, y = map(tf.constant, (trials.X[batch], trials.Y[batch]))
            model.train_step((x, y))
        trials.check_same(self, known, model, rtol=1e-6)


if __name__ == "__main__":
    absltest.main()
