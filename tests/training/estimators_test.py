"""Gradients of ARM through `L0Model.train_step`, against enumeration."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0 import gates
from tests import test_util
from tests.training import gradient_case

STEPS = 3000
LOGITS = gradient_case.LOGITS
# No probability saturates.
HARD_K = 3.0


def sigmoid():
    prob = 1 / (1 + np.exp(-gradient_case.K * np.concatenate(LOGITS)))
    return prob, gradient_case.K * prob * (1 - prob)


def hard_sigmoid():
    prob = HARD_K / 7 * np.concatenate(LOGITS) + 0.5
    return prob, np.full(7, HARD_K / 7)


class EstimatorsTest(test_util.TestCase):
    def gradients(self, **kwargs):
        gate = gates.ARM(**{"k": gradient_case.K, **kwargs})
        model = gradient_case.network(gate)
        x, y = gradient_case.data()
        return model, gradient_case.sampled_gradients(model, x, y, STEPS)

    def check_mean(self, samples, exact):
        error = np.abs(samples.mean(0) - exact)
        # 4 standard errors for each of 7 gates: false alarm below 4.5e-4.
        self.assertAllLessEqual(
            error / (samples.std(0) / np.sqrt(len(samples))), 4.0
        )

    def test_estimates_are_unbiased_and_ordered_by_variance(self):
        variances = []
        for estimator in ("disarm", "arm", "ar"):
            model, samples = self.gradients(estimator=estimator)
            x, y = gradient_case.data()
            exact = gradient_case.exact_gradient(model, x, y, *sigmoid())
            self.check_mean(samples, exact)
            variances.append(samples.var(0).sum())
        self.assertLess(variances[0], variances[1])
        self.assertLess(variances[1], variances[2])

    def test_hard_sigmoid_has_its_own_chain_rule(self):
        model, samples = self.gradients(k=HARD_K, activation="hard_sigmoid")
        x, y = gradient_case.data()
        exact = gradient_case.exact_gradient(model, x, y, *hard_sigmoid())
        self.check_mean(samples, exact)

    @parameterized.parameters(1, 4)
    def test_draws_per_example_share_the_gradient(self, examples):
        gate = gates.ARM(k=gradient_case.K)
        model = gradient_case.network(gate, noise_shape=True)
        x, y = gradient_case.data(examples)
        samples = gradient_case.sampled_gradients(model, x, y, STEPS)
        exact = gradient_case.exact_gradient(model, x, y, *sigmoid())
        self.check_mean(samples, exact)


if __name__ == "__main__":
    absltest.main()
