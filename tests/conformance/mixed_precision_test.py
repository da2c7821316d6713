"""Tests of dtype policies: layers follow them, gates stay float32."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.layers import step_context
from tests import descriptors
from tests import test_util
from tests.conformance import properties

PROPERTY = properties.Property(
    "mixed_precision",
    descriptors.ROWS,
    {
        "MODELS": "a policy is that of its layers; mixed_fit trains it",
        "TRAINING": "mixed_fit trains with it",
        "CALLBACKS": properties.WATCHES,
        "DISTRIBUTIONS": "clause 21 of their own contract",
    },
)

X = descriptors.inputs()
# Half a unit in the last place, relative to a number.
ROUNDING = {"float16": 2**-11, "bfloat16": 2**-8, "float64": 2**-24}
POLICIES = ("mixed_float16", "mixed_bfloat16", "bfloat16", "float64")


class MixedPrecisionTest(test_util.TestCase):
    @parameterized.product(policy=POLICIES, row=descriptors.ROWS)
    def test_policy(self, policy, row):
        single = row.model()
        keras.config.set_dtype_policy(policy)
        model = row.model()
        for variable, value in zip(
            model.weights, single.get_weights(), strict=True
        ):
            variable.assign(value)
        dtype = keras.dtype_policies.get(policy).compute_dtype
        self.assertEqual(model.outputs[0].dtype, dtype)
        # The seed's state is the same, and the logits are.
        for training in (False, True):
            # Normalized gradients refuse float16 outside of an L0Model.
            with step_context.StepContext(), tf.GradientTape() as tape:
                y = model(X, training=training)
                value = tf.reduce_sum(tf.cast(y, "float32")) + tf.add_n(
                    [0.0, *model.losses]
                )
            expected = single(X, training=training).numpy()
            self.assertEqual(y.dtype, dtype)
            # Four layers of products of 4, each rounded: less than 64 of them.
            atol = 64 * ROUNDING[dtype] * max(1, np.abs(expected).max())
            self.assertAllClose(
                tf.cast(y, "float32"), expected, rtol=0, atol=atol
            )
            for loss in model.losses:
                self.assertEqual(loss.dtype, tf.float32)
            if training and not row.pathwise:
                continue  # A tape is refused their gradient.
            variables = model.trainable_variables
            for variable, gradient in zip(
                variables,
                tape.gradient(value, [v.value for v in variables]),
                strict=True,
            ):
                self.assertTrue(np.all(np.isfinite(gradient)))
                if variable.name == "logits":
                    self.assertEqual(variable.dtype, "float32")
                    self.assertEqual(gradient.dtype, tf.float32)

    @parameterized.product(policy=POLICIES, row=descriptors.GATES)
    def test_gates_are_rounded_last(self, policy, row):
        ones = np.ones((1, 50), "float32")
        vector = keras_l0.GateVector(row.make(), seed=3)
        vector.build((50,))
        keras.config.set_dtype_policy(policy)
        layer = keras_l0.L0Gate(
            keras.layers.Activation("linear"), gate_vector=vector
        )
        layer.build(ones.shape)
        with descriptors.as_in_a_model(vector):
            start = vector.seed_generator.state.numpy()
            drawn = vector.draw()
            vector.seed_generator.state.assign(start)
            y = layer(ones, training=True)
        self.assertAllEqual(y[0], tf.cast(drawn, y.dtype))
        if np.any((drawn > 0) & (drawn < 1)) and policy != "float64":
            # They have more digits than a layer of this policy sees.
            self.assertNotAllEqual(tf.cast(y[0], "float32"), drawn)
        known = vector.deterministic_gate()
        self.assertAllEqual(layer(ones)[0], tf.cast(known, y.dtype))


if __name__ == "__main__":
    absltest.main()
