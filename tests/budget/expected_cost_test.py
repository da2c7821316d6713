"""Tests of expected_cost."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import test_util
from tests.budget import models
from tests.surgery import random_graphs

NETWORKS, GROUP = 40, 5


def decide(model):
    """Opens or closes every gate for sure, as it is in inference."""
    for vector in keras_l0.layers.gate_vectors(model).values():
        opened = vector.deterministic_gate().numpy() != 0
        vector.logits.assign(np.where(opened, 50.0, -50.0))


class ExpectedCostTest(test_util.TestCase):
    @parameterized.parameters(*range(NETWORKS // GROUP))
    def test_decided_gates_cost_what_is_left(self, group):
        checked = 0
        for number in range(group * GROUP, (group + 1) * GROUP):
            test_util.start_afresh()
            model = random_graphs.random_case(number).model
            if not keras_l0.layers.has_gates(model):
                continue
            decide(model)
            try:
                counted = models.stripped_cost(model)
            except ValueError as error:
                self.assertRegex(str(error), "|".join(random_graphs.REFUSALS))
                continue
            found = keras_l0.expected_cost(model)
            with self.subTest(number=number):
                for kind, value in found._asdict().items():
                    # Whole numbers: half of one would be a mistake.
                    self.assertNear(
                        float(value), getattr(counted, kind), err=1e-6
                    )
            checked += 1
        self.assertGreater(checked, 0)

    def test_what_stripping_adds_is_in(self):
        # Units behind a kernel of zeros go, whatever the gates say.
        model = models.gated(models.mlp)
        kernel = model.layers[1].layer.kernel
        kernel.assign(kernel.numpy() * [0, 1, 1, 1, 1])
        model.layers[1].layer.bias.assign([0.0, 1, 1, 1, 1])
        decide(model)
        # 3-4-4-1 rather than 3-5-4-1.
        self.assertNear(
            float(keras_l0.expected_cost(model).params),
            3 * 4 + 4 + 4 * 4 + 4 + 4 + 1,
            err=1e-6,
        )

    def test_gradient_by_the_logits(self):
        model = models.gated(models.mlp)
        (first, second) = keras_l0.layers.gate_vectors(model).values()
        first.logits.assign(np.linspace(-1, 2, 5))
        with tf.GradientTape() as tape:
            macs = keras_l0.expected_cost(model).macs
        found = tape.gradient(macs, first.logits.value)
        # Each unit has 3 weights below and one above per unit that is there.
        with tf.GradientTape() as tape:
            chances = first.prob_nonzero()
        slopes = tape.gradient(chances, first.logits.value)
        above = tf.reduce_sum(second.prob_nonzero())
        # Probabilities and their sums are float32.
        self.assertAllClose(found, slopes * (3 + above), rtol=1e-5)

    def test_closed_network_is_refused(self):
        model = models.gated(models.mlp)
        for vector in keras_l0.layers.gate_vectors(model).values():
            vector.logits.assign(np.full(vector.num_gates, -50.0))
        with self.assertRaisesRegex(ValueError, "would cut the model"):
            keras_l0.expected_cost(model)

    def test_refuses_what_has_no_gates_or_graph(self):
        with self.assertRaisesRegex(ValueError, "has no gates.*add_gates"):
            keras_l0.expected_cost(models.mlp())
        with self.assertRaisesRegex(TypeError, "Received: model=None"):
            keras_l0.expected_cost(None)

        class Own(keras.Model):
            def call(self, inputs):
                return inputs

        with self.assertRaisesRegex(ValueError, "is a subclassed model"):
            keras_l0.expected_cost(Own())

    def test_refuses_to_be_traced(self):
        model = models.gated(models.mlp)
        with self.assertRaisesRegex(RuntimeError, "cannot be traced"):
            tf.function(lambda: keras_l0.expected_cost(model).macs)()


if __name__ == "__main__":
    absltest.main()
