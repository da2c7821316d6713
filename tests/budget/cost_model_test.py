"""Tests of CostModel."""

import itertools

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import test_util
from tests.budget import models

CostModel = keras_l0.budget.CostModel


def mlp_sizes(patterns):
    """Weights and multiplications of a 3-5-4-1 perceptron, by hand."""
    first, second = patterns[:, :5].sum(1), patterns[:, 5:].sum(1)
    macs = 3 * first + first * second + second
    return macs + first + second + 1, macs


class CostModelTest(test_util.TestCase):
    @parameterized.parameters(*models.FAMILIES)
    def test_patterns_cost_what_the_stripped_network_does(self, name):
        model = models.FAMILIES[name]()
        cost_model = CostModel(model)
        rng = np.random.default_rng(7)
        for share in (0.6, 0.3):
            opened = models.set_gates(model, rng, share)
            counted = models.stripped_cost(model)
            self.assertAllEqual(cost_model.open_gates(), opened)
            found = cost_model(tf.constant(opened, tf.float64))
            for kind in found._fields:
                # Sums of less than a million in float64.
                self.assertAllClose(
                    getattr(found, kind), getattr(counted, kind), rtol=1e-12
                )
            self.assertLess(counted.macs, cost_model.dense.macs)

    def test_both_ways_side_by_side(self):
        model = models.gated(lambda: models.recurrent("concat"))
        both, after = keras_l0.layers.gate_vectors(model).values()
        # Two units of each way: the ways of one layer have one width.
        both.logits.assign([9.0, -9, 9, -9, 9, 9])
        after.logits.assign([9.0, 9, -9, 9])
        cost_model = CostModel(model)
        opened = tf.cast(cost_model.open_gates(), tf.float64)
        counted = models.stripped_cost(model)
        self.assertAllClose(cost_model(opened).params, counted.params)
        self.assertAllClose(cost_model(opened).macs, counted.macs)

    def test_open_network_is_dense(self):
        model = models.gated(models.lenet)
        cost_model = CostModel(model)
        self.assertEqual(cost_model.dense, keras_l0.cost.count(models.lenet()))
        gates = tf.ones_like(cost_model.expected_gates())
        for kind, value in cost_model(gates)._asdict().items():
            self.assertAllClose(value, getattr(cost_model.dense, kind))

    def test_expectation_is_the_mean_over_all_patterns(self):
        cost_model = CostModel(models.gated(models.mlp))
        patterns = np.array(list(itertools.product([0, 1], repeat=9)))
        chances = np.random.default_rng(1).uniform(0.1, 0.9, 9)
        weights = np.where(patterns, chances, 1 - chances).prod(1)
        found = cost_model(tf.constant(chances))
        for kind, sizes in zip(
            ("params", "macs"), mlp_sizes(patterns), strict=True
        ):
            # 512 terms in float64.
            self.assertAllClose(
                getattr(found, kind), weights @ sizes, rtol=1e-12
            )
        self.assertAllClose(found.bytes, 4 * found.params, rtol=1e-12)

    @parameterized.parameters("lenet", "streams", "transformer")
    def test_gradient_is_that_of_central_differences(self, name):
        cost_model = CostModel(models.FAMILIES[name]())
        rng = np.random.default_rng(2)
        size = sum(v.num_gates for v in cost_model.vectors)
        gates = rng.uniform(0.2, 0.8, size)
        direction = rng.normal(size=size)
        x = tf.constant(gates)
        with tf.GradientTape() as tape:
            tape.watch(x)
            macs = cost_model(x).macs
        gradient = tf.convert_to_tensor(tape.gradient(macs, x))
        slope = np.dot(gradient, direction)
        step = 1e-5
        ends = [
            float(cost_model(tf.constant(gates + sign * direction)).macs)
            for sign in (step, -step)
        ]
        # The error is of third order in the step, and rounding / step.
        self.assertAllClose(slope, (ends[0] - ends[1]) / 2 / step, rtol=1e-7)

    def test_tied_gates_count_once(self):
        vector = keras_l0.GateVector()
        x = keras.Input((3,))
        both = [
            keras_l0.L0Gate(keras.layers.Dense(4), gate_vector=vector)(x)
            for _ in range(2)
        ]
        model = keras.Model(x, keras.layers.Dense(1)(sum(both)))
        chances = np.array([0.5, 0.25, 0.75, 0.5])
        found = CostModel(model)(tf.constant(chances))
        # An expected width of 2, which all three layers have.
        self.assertAllClose(found.macs, 2 * (3 + 3 + 1))

    def test_expected_gates_are_in_the_order_of_the_vectors(self):
        model = models.gated(models.mlp)
        cost_model = CostModel(model)
        first, second = cost_model.vectors
        first.logits.assign([9.0] * 5)
        second.logits.assign([-9.0] * 4)
        self.assertAllClose(
            cost_model.expected_gates(), [1] * 5 + [0] * 4, atol=2e-3
        )
        self.assertAllEqual(cost_model.open_gates(), [True] * 5 + [False] * 4)

    def test_frozen_gates_are_open_or_not(self):
        model = models.gated(models.mlp)
        cost_model = CostModel(model)
        first, second = cost_model.vectors
        for vector in cost_model.vectors:
            vector.logits.assign(np.linspace(-3, 3, vector.num_gates))
        chances = cost_model.expected_gates().numpy()
        first.trainable = False
        found = cost_model.expected_gates()
        self.assertAllEqual(found[:5], [0, 1, 1, 1, 1])
        self.assertAllEqual(found[5:], chances[5:])
        self.assertBetween(float(found[6]), 0.01, 0.99)

    def test_works_in_a_graph(self):
        cost_model = CostModel(models.gated(models.mlp))
        gates = tf.constant(np.linspace(0.1, 0.9, 9), tf.float32)
        traced = tf.function(lambda g: cost_model(g).params)(gates)
        self.assertEqual(traced.dtype, tf.float32)
        self.assertAllClose(traced, cost_model(gates).params)

    def test_refuses_what_has_no_gates_or_graph(self):
        with self.assertRaisesRegex(ValueError, "has no gates.*add_gates"):
            CostModel(models.mlp())
        with self.assertRaisesRegex(TypeError, "Received: model=3"):
            CostModel(3)


if __name__ == "__main__":
    absltest.main()
