"""Tests of what XLA compiles. It draws other numbers: see what they obey."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import descriptors
from tests import test_util
from tests.conformance import properties

PROPERTY = properties.Property(
    "xla",
    descriptors.TRAINED,
    {
        "CALLBACKS": "run between the compiled steps",
        "DISTRIBUTIONS": "clause 22 of their own contract",
    },
)

X = descriptors.inputs()
DRAWS = 5000


class XlaTest(test_util.TestCase):
    @parameterized.named_parameters(*PROPERTY.named)
    def test_compiled_equals_eager_where_nothing_is_random(self, row):
        model = row.model()
        variables = [v.value for v in model.trainable_variables]

        @tf.function(jit_compile=True)
        def compiled(x):
            with tf.GradientTape() as tape:
                y = model(x, training=True)
                value = tf.reduce_sum(y**2) + tf.add_n([0.0, *model.losses])
            # A tape is refused the gradient of families that estimate it.
            gradients = tape.gradient(value, variables) if row.pathwise else []
            return y, value, gradients, model(x, training=False)

        # Certain draws: training is inference but for the seed's state.
        descriptors.set_logits(model, (1000.0, -1000.0))
        y, value, gradients, inference = compiled(tf.constant(X))
        expected = model(X, training=True)
        atol = 1e-5 * np.abs(expected).max()
        self.assertAllClose(y, expected, rtol=0, atol=atol)
        loss = np.sum(np.square(expected)) + sum(map(float, model.losses))
        self.assertAllClose(value, loss, rtol=1e-5)
        self.assertAllClose(inference, model(X), rtol=0, atol=atol)
        for gradient in gradients:
            self.assertTrue(np.all(np.isfinite(gradient)))

    @parameterized.named_parameters(
        (row.name, row) for row in descriptors.GATES if row.make().stochastic
    )
    def test_compiled_draws_have_the_same_moments(self, row):
        vector = keras_l0.GateVector(row.make())
        vector.build((4,))
        vector.logits.assign([-2.0, -0.5, 0.0, 1.5])
        compiled = tf.function(vector.draw, jit_compile=True)
        with descriptors.as_in_a_model(vector):
            z, known = compiled(DRAWS).numpy(), vector.draw(DRAWS).numpy()
        self.assertNotAllEqual(z[:-1], z[1:])
        # Independent samples: see assert_mean_close for the false alarms.
        for of in (lambda z: z, np.square, np.sign, lambda z: z == 1):
            difference = np.float32(of(z)) - np.float32(of(known))
            self.assert_mean_close(difference, 0)


if __name__ == "__main__":
    absltest.main()
