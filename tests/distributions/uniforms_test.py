"""Tests for uniforms."""

import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.distributions import uniforms
from tests.distributions.distribution_test_case import DistributionTestCase
from tests.distributions.distribution_test_case import seed


class UniformsTest(DistributionTestCase):
    @parameterized.parameters(
        (tf.float16, tf.float32),
        (tf.float32, tf.float32),
        (tf.float64, tf.float64),
    )
    def test_numbers_lie_between_the_ends(self, dtype, expected):
        u = uniforms.draw((200_000,), dtype, seed())
        self.assertEqual(u.dtype, expected)
        self.assertAllInRange(u, 0.0, 1.0, open_lower_bound=True)
        # Two tests: false alarm below 1.3e-4.
        self.assert_mean_close(u, 0.5)
        self.assert_mean_close((u - 0.5) ** 2, 1 / 12)

    def test_generator_is_named(self):
        # By values a CPU's choice, which is slow under XLA, is the same.
        draw = tf.function(lambda: uniforms.draw((5,), tf.float32, seed()))
        graph = draw.get_concrete_function().graph
        (drawn,) = [
            operation
            for operation in graph.get_operations()
            if operation.type == "StatelessRandomUniformV2"
        ]
        algorithm = tf.get_static_value(drawn.inputs[3])
        self.assertEqual(algorithm, tf.random.Algorithm.PHILOX.value)

    def test_numbers_are_those_of_a_uniform_distribution(self):
        expected = tfp.distributions.Uniform().sample((3, 2), seed=seed())
        found = uniforms.draw((3, 2), tf.float32, seed())
        self.assertAllEqual(found, expected)

    def test_seed_determines_the_numbers(self):
        draw = lambda number: uniforms.draw((5,), tf.float32, seed(number))
        self.assertAllEqual(draw(0), draw(0))
        self.assertNotAllEqual(draw(0), draw(1))


if __name__ == "__main__":
    absltest.main()
