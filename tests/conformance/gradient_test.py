"""Tests that gradients reach every variable, are finite, and are right."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import descriptors
from tests import test_util
from tests.conformance import properties

PROPERTY = properties.Property(
    "gradient",
    descriptors.TRAINED,
    {
        "CALLBACKS": properties.WATCHES,
        "DISTRIBUTIONS": "clauses 18 and 20 of their own contract",
    },
)
NAMED = PROPERTY.named

X = descriptors.inputs()
EXTREME = (-1000.0, -100.0, -60.0, 0.0, 60.0, 100.0, 1000.0)
# Far from where a gate is clipped, by every rule.
INSIDE = (-0.7, 0.3, 0.8, -0.2)

SMOOTH = [(n, row) for n, row in NAMED if row.smooth]
PATHWISE = [(n, row) for n, row in NAMED if row.pathwise]
ESTIMATED = [(n, row) for n, row in NAMED if not row.pathwise]


def objective(model, training):
    return tf.reduce_sum(tf.sin(model(X, training=training)))


class GradientTest(test_util.TestCase):
    @parameterized.named_parameters(*NAMED)
    def test_gradients_are_finite_at_extreme_logits(self, row):
        model = row.model()
        variables = [v.value for v in model.trainable_variables]
        for i in range(len(EXTREME)):
            descriptors.set_logits(model, EXTREME[i:] + EXTREME[:i])
            for training in (False, True)[: 1 + row.pathwise]:
                with tf.GradientTape() as tape:
                    value = objective(model, training)
                    value += tf.add_n([0.0, *model.losses])
                self.assertTrue(np.isfinite(value))
                for gradient in tape.gradient(value, variables):
                    self.assertIsNotNone(gradient)
                    self.assertTrue(np.all(np.isfinite(gradient)))

    @parameterized.named_parameters(*SMOOTH)
    def test_gradients_are_those_of_finite_differences(self, row):
        model = row.model()
        descriptors.set_logits(model, INSIDE)
        for variable in model.trainable_variables:
            with tf.GradientTape() as tape:
                value = objective(model, False)
            gradient = tape.gradient(value, variable.value).numpy()
            self.assertNotAllEqual(gradient, np.zeros(variable.shape))
            # Error h^2 / 6 of the third derivative, about 1, and float32's
            # rounding of some 1e-6 over h.
            h, rng = 2**-6, np.random.default_rng(3)
            direction = np.float32(rng.normal(size=variable.shape))
            direction /= np.linalg.norm(direction)
            start, values = variable.numpy(), []
            for sign in (1, -1):
                variable.assign(start + sign * h * direction)
                values.append(float(objective(model, False)))
            variable.assign(start)
            slope = (values[0] - values[1]) / (2 * h)
            self.assertAllClose(np.sum(gradient * direction), slope, atol=2e-3)

    @parameterized.named_parameters(*PATHWISE)
    def test_pathwise_gradients_reach_the_logits(self, row):
        model = row.model()
        vectors = keras_l0.layers.gate_vectors(model).values()
        descriptors.set_logits(model, INSIDE)
        total = 0
        for _ in range(3):  # A gate that is drawn 0 or 1 has none.
            with tf.GradientTape() as tape:
                value = objective(model, True)
            logits = [vector.logits.value for vector in vectors]
            total += sum(np.abs(g) for g in tape.gradient(value, logits))
        self.assertGreater(np.min(np.sum(total)), 0)

    @parameterized.named_parameters(*ESTIMATED)
    def test_gradients_that_are_estimated_are_refused(self, row):
        model = row.model()
        variables = [v.value for v in model.trainable_variables]
        with tf.GradientTape() as tape:
            value = objective(model, True)
        with self.assertRaisesRegex(RuntimeError, "call `model.train_step"):
            tape.gradient(value, variables)


if __name__ == "__main__":
    absltest.main()
