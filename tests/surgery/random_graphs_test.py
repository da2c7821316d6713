"""Random networks: the stripped one computes what the gated one computes.

`KERAS_L0_TEST_GRAPHS=5000` tries so many networks instead of 500;
`KERAS_L0_TEST_SEED` chooses which. A failure names the number of its network:
`random_graphs.random_case(number)` makes it again.
"""

import collections
import os

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import test_util
from tests.surgery import random_check
from tests.surgery import random_graphs
from tests.surgery import strip_test_case
from tests.surgery.strip_test_case import StripTestCase

GRAPHS = int(os.environ.get("KERAS_L0_TEST_GRAPHS", "500"))
# Graphs per test: shards of a test run share them out.
GROUP = 8


class RandomGraphsTest(StripTestCase):
    @parameterized.product(
        group=list(range(-(-GRAPHS // GROUP))), policy=("float64", "float32")
    )
    def test_strips_exactly(self, group, policy):
        counts = collections.Counter()
        for i in range(GROUP if policy == "float64" else GROUP // 2):
            number = 1000 * test_util.test_seed() + group * GROUP + i
            test_util.start_afresh()
            self.use(policy)
            with self.subTest(number=number, policy=policy):
                counts[self.check(number)] += 1
        # Networks in which nothing happens would prove nothing.
        self.assertGreater(counts["smaller"], 0)

    def check(self, number):
        case = random_graphs.random_case(number)
        x = keras.tree.pack_sequence_as(case.model.input, case.inputs)
        options = random_graphs.random_options(number)
        before = strip_test_case.weights(case.model)
        try:
            small, report = keras_l0.strip_gates(
                case.model, return_report=True, **options
            )
        except ValueError as error:
            reason = next(r for r in random_graphs.REFUSALS if r in str(error))
            if reason == "would cut the model":
                self.assert_cut(case.model, x)
            return reason
        self.assert_alike(case.model, small, x)
        expected = strip_test_case.outputs(case.model, x)
        actual = strip_test_case.outputs(small, x)
        excess = random_check.excess(number, case, expected, actual)
        self.assertLessEqual(excess, 1)
        after = strip_test_case.weights(case.model)
        for old, new in zip(before, after, strict=True):
            np.testing.assert_array_equal(old, new)
        if not options:
            self.assert_stock(small)
        smaller = report.params_after < report.params_before
        return "smaller" if smaller else "as large"

    def assert_cut(self, model, x):
        """Fails unless an output is the same for every example."""
        spreads = [
            np.ptp(output, axis=0).max() / max(np.abs(output).max(), 1e-3)
            for output in strip_test_case.outputs(model, x)
        ]
        self.assertLess(min(spreads), strip_test_case.TOLERANCES[self.policy])

    def test_same_number_makes_the_same_network(self):
        kinds, values = [], []
        for _ in range(2):
            test_util.start_afresh()
            case = random_graphs.random_case(3)
            kinds.append([type(op).__name__ for op in case.model.operations])
            values.append(strip_test_case.weights(case.model))
            values[-1] += case.inputs
        self.assertEqual(*kinds)
        for a, b in zip(*values, strict=True):
            np.testing.assert_array_equal(a, b)

    def test_wrong_weights_are_noticed(self):
        noticed = 0
        for number in range(6):
            test_util.start_afresh()
            self.use("float64")
            case = random_graphs.random_case(number)
            try:
                small = keras_l0.strip_gates(case.model)
            except ValueError:
                continue  # refused
            x = keras.tree.pack_sequence_as(case.model.input, case.inputs)
            right = strip_test_case.outputs(small, x)
            kernels = [v for v in small.weights if v.name == "kernel"]
            for variable in kernels:
                variable.assign(np.roll(variable.numpy(), 1, axis=-2))
                wrong = strip_test_case.outputs(small, x)
                noticed += any(
                    np.abs(a - b).max() > 1e-3 * np.abs(a).max()
                    for a, b in zip(right, wrong, strict=True)
                )
        self.assertGreaterEqual(noticed, 3)


if __name__ == "__main__":
    absltest.main()
