"""Tests of the comparison of random networks."""

from unittest import mock

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests.surgery import random_check
from tests.surgery import random_graphs
from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import differences
from tests.surgery.strip_test_case import outputs

NETWORK = 5  # no options, not constant, and accurate


class ExcessTest(StripTestCase):
    policy = "float32"

    def setUp(self):
        super().setUp()
        self.case = random_graphs.random_case(NETWORK)
        case = self.case
        self.x = keras.tree.pack_sequence_as(case.model.input, case.inputs)
        self.exact = outputs(case.model, self.x)

    def off(self, part):
        """The outputs, wrong by a part of their scale."""
        return [y + part * np.abs(y).max() for y in self.exact]

    def excess(self, expected, actual):
        return random_check.excess(NETWORK, self.case, expected, actual)

    def test_stripped_network(self):
        small = keras_l0.strip_gates(self.case.model)
        found = self.excess(self.exact, outputs(small, self.x))
        self.assertLess(found, 0.1)

    def test_accurate_network_must_be_met(self):
        found = self.excess(self.exact, self.off(5e-5))
        self.assertAllClose(found, 5, rtol=0.1)

    @parameterized.parameters((5e-5, False), (5e-3, True))
    def test_network_that_rounds_by_more_than_is_allowed(self, part, fails):
        # The outputs are 2e-5 off: tenfold is 2e-4.
        found = self.excess(self.off(2e-5), self.off(-part))
        self.assertEqual(found > 1, fails)

    def test_double_precision_must_be_met_in_any_case(self):
        def wrong(model, **options):
            small = keras_l0.surgery.strip.strip_gates(model, **options)
            for variable in small.weights:
                variable.assign(variable.numpy() + 1e-6)
            return small

        with mock.patch.object(random_check.keras_l0, "strip_gates", wrong):
            found = self.excess(self.off(2e-5), self.off(-5e-5))
        self.assertGreater(found, 1)

    def test_types_are_as_before(self):
        self.excess(self.exact, self.off(1))
        self.assertEqual(keras.config.floatx(), "float32")
        self.assertEqual(keras.config.dtype_policy().name, "float32")

    @parameterized.named_parameters(
        # Its largest output is 0.003, the difference of numbers near 0.3.
        ("cancellation", 12017),
        # exp(266)
        ("overflow", 1361),
    )
    def test_network(self, number):
        case = random_graphs.random_case(number)
        small = keras_l0.strip_gates(
            case.model, **random_graphs.random_options(number)
        )
        x = keras.tree.pack_sequence_as(case.model.input, case.inputs)
        pair = outputs(case.model, x), outputs(small, x)
        self.assertLess(random_check.excess(number, case, *pair), 1)


class DifferencesTest(absltest.TestCase):
    def test_part_of_the_scale(self):
        found = differences(
            [np.array([1.0, -4.0]), np.zeros(2)],
            [np.array([1.0, -3.0]), np.array([0.0, 1e-4])],
        )
        np.testing.assert_allclose(found, [0.25, 0.1], rtol=1e-12)

    def test_overflow(self):
        inf, nan = np.inf, np.nan
        old = np.array([inf, -inf, nan, 2.0])
        for new, expected in (
            ([inf, -inf, nan, 1.0], 0.5),
            ([inf, inf, nan, 2.0], inf),
            ([inf, -inf, 0.0, 2.0], inf),
            ([inf, -inf, nan, inf], inf),
        ):
            self.assertEqual(differences([old], [np.array(new)]), [expected])

    def test_nothing_finite(self):
        self.assertEqual(
            differences([np.full(2, np.inf)] * 2, [np.full(2, np.inf)] * 2),
            [0, 0],
        )


if __name__ == "__main__":
    absltest.main()
