"""Tests of what a budget does in one training step."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.training.constraint import Constraint
from tests import test_util
from tests.budget import models


class ConstraintTest(test_util.TestCase):
    def bound(self, progress=1.0, **limits):
        budget = keras_l0.Budget(**limits or {"macs": 0.3})
        model = models.gated(models.mlp, budget=budget)
        model.compile("sgd", "mse")
        for vector in model.budget_control.cost_model.vectors:
            vector.logits.assign(np.linspace(-1, 1, vector.num_gates))
        model.budget_control.progress.assign(progress)
        return model

    def pull(self, model):
        """Gradients before and after."""
        variables = model.trainable_variables
        rng = np.random.default_rng(1)
        before = [
            tf.constant(0.01 * rng.normal(size=v.shape), tf.float32)
            for v in variables
        ]
        with tf.GradientTape(persistent=True) as tape:
            constraint = Constraint(model.budget_control)
        after = constraint.pull(tape, before, variables)
        return before, after

    def slopes(self, model, kind="macs"):
        """Gradient of the expected fraction by central differences."""
        cost_model = model.budget_control.cost_model
        found = []
        for vector in cost_model.vectors:
            logits = vector.logits.numpy()
            slope = np.zeros_like(logits)
            for i in range(logits.size):
                ends = []
                for step in (0.05, -0.05):
                    shifted = logits.copy()
                    shifted[i] += step
                    vector.logits.assign(shifted)
                    cost = cost_model(
                        tf.cast(cost_model.expected_gates(), tf.float64)
                    )
                    ends.append(float(getattr(cost, kind)))
                slope[i] = (ends[0] - ends[1]) / 0.1
            vector.logits.assign(logits)
            found.append(slope / getattr(cost_model.dense, kind))
        return found

    @parameterized.parameters("macs", "params")
    def test_pulls_along_the_slope_of_the_cost(self, kind):
        model = self.bound(**{kind: 0.3})
        slopes = np.concatenate(self.slopes(model, kind))
        control = model.budget_control
        excess = float(control.expected_fractions()[0]) - 0.3
        self.assertGreater(excess, 0)
        before, after = self.pull(model)
        logits = {id(v.logits) for v in control.cost_model.vectors}
        of_loss, pulls = [], []
        for variable, old, new in zip(
            model.trainable_variables, before, after, strict=True
        ):
            if id(variable) in logits:
                of_loss.append(old)
                pulls.append(new - old)
            else:
                self.assertAllEqual(new, old)
        of_loss = np.concatenate(of_loss)
        # As large as the loss's, times the strength.
        scale = np.sqrt(np.mean(of_loss**2) / np.mean(slopes**2))
        expected = 50 * excess * scale * slopes
        # Central differences of a smooth function, at steps of 0.05.
        self.assertAllClose(np.concatenate(pulls), expected, rtol=5e-3)

    def test_within_the_target_nothing_pulls(self):
        before, after = self.pull(self.bound(progress=0.0))
        for old, new in zip(before, after, strict=True):
            self.assertAllEqual(old, new)

    def test_variables_without_gradient_are_left_out(self):
        model = self.bound()
        variables = model.trainable_variables
        first = model.budget_control.cost_model.vectors[0].logits
        gradients = [
            None if v is first else tf.ones_like(v.value) for v in variables
        ]
        with tf.GradientTape(persistent=True) as tape:
            constraint = Constraint(model.budget_control)
        after = constraint.pull(tape, gradients, variables)
        for variable, gradient in zip(variables, after, strict=True):
            self.assertEqual(gradient is None, variable is first)

    def test_step_is_taken(self):
        model = self.bound()
        control = model.budget_control
        control.progress_per_step.assign(0.25)
        excess = float(control.expected_fractions()[0]) - 0.3
        self.pull(model)
        self.assertAllClose(control.progress, 1.25)
        self.assertAllClose(control.integrals, [0.5 * excess], rtol=1e-4)


if __name__ == "__main__":
    absltest.main()
