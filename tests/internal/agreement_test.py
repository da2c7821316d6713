"""Tests of the measure of how far outputs lie apart."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.internal import agreement
from tests import test_util

NAN, INF = float("nan"), float("inf")


class AgreementTest(test_util.TestCase):
    def test_largest_figures_of_all_outputs(self):
        found = agreement.measure(
            [np.array([1.0, -8.0]), np.array([[0.5]])],
            [np.array([1.5, -8.0]), np.array([[0.25]])],
        )
        # The first output is off by 1/2 of 8, the second by 1/4 of 1/2.
        self.assertEqual(found, agreement.Agreement(0.5, 8.0, 0.5))

    def test_output_near_zero_has_no_scale_of_its_own(self):
        found = agreement.measure([np.zeros(3)], [np.full(3, 1e-6)])
        self.assertAllClose(found.relative, 1e-3)

    @parameterized.parameters(
        ([NAN, 1.0], [NAN, 1.0], 0.0),
        ([INF, -INF], [INF, -INF], 0.0),
        ([NAN, 1.0], [1.0, 1.0], INF),
        ([1.0, 1.0], [1.0, NAN], INF),
        ([INF], [-INF], INF),
        ([1.0], [INF], INF),
    )
    def test_not_finite(self, reference, output, expected):
        found = agreement.measure([np.array(reference)], [np.array(output)])
        self.assertEqual(found.max_difference, expected)
        self.assertIn(found.max_reference, (0.0, 1.0))

    def test_integers_and_booleans(self):
        found = agreement.measure([np.array([True, False])], [np.array([1, 3])])
        self.assertEqual(found.max_difference, 3.0)

    def test_unsigned_integers_do_not_wrap(self):
        small, large = np.array([2], "uint8"), np.array([3], "uint8")
        found = agreement.measure([small], [large])
        self.assertEqual(found.max_difference, 1.0)

    def test_other_shapes_raise(self):
        with self.assertRaisesRegex(ValueError, r"other shapes.*\(2, 1\)"):
            agreement.measure([np.zeros((2, 1))], [np.zeros((2,))])

    def test_worst_takes_each_figure(self):
        self.assertEqual(
            agreement.worst(
                [
                    agreement.Agreement(1.0, 5.0, 3.0),
                    agreement.Agreement(2.0, 4.0, 1.0),
                ]
            ),
            agreement.Agreement(2.0, 5.0, 3.0),
        )

    def test_rounded(self):
        self.assertEqual(agreement.rounded(1.234e-7), "1.2e-07")
        self.assertEqual(agreement.rounded(0.0), "0")


if __name__ == "__main__":
    absltest.main()
