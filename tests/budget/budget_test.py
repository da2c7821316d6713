"""Tests of Budget."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import test_util

Budget = keras_l0.Budget
DENSE = keras_l0.cost.Cost(params=200, macs=1000, bytes=800)


class BudgetTest(test_util.TestCase):
    @parameterized.parameters(
        (0.5, 0.5), (1.0, 1.0), (1, 0.001), (250, 0.25), (1000, 1.0)
    )
    def test_fractions_of_the_dense_network(self, limit, fraction):
        self.assertEqual(
            Budget(macs=limit).fractions(DENSE), {"macs": fraction}
        )

    def test_several_limits(self):
        budget = Budget(bytes=200, macs=0.3)
        self.assertEqual(budget.limits(), {"macs": 0.3, "bytes": 200})
        self.assertEqual(budget.fractions(DENSE), {"macs": 0.3, "bytes": 0.25})

    def test_no_limit(self):
        with self.assertRaisesRegex(ValueError, "needs a limit.*none of them"):
            Budget()

    @parameterized.product(
        name=("macs", "params", "bytes"),
        case=(
            (0, "at least 1 as an integer"),
            (-3, "at least 1 as an integer"),
            (0.0, r"in \(0, 1\]"),
            (-0.5, r"in \(0, 1\]"),
            (float("nan"), r"in \(0, 1\].*nan$"),
            (float("inf"), r"in \(0, 1\].*inf$"),
        ),
    )
    def test_refuses_numbers_out_of_range(self, name, case):
        value, message = case
        with self.assertRaisesRegex(ValueError, f"`{name}` must be.*{message}"):
            Budget(**{name: value})

    @parameterized.parameters((1.5, 2), (50_000.0, 50000))
    def test_a_large_float_is_told_to_be_an_integer(self, value, integer):
        with self.assertRaisesRegex(
            ValueError, f"an absolute number is an integer: params={integer}$"
        ):
            Budget(params=value)

    @parameterized.parameters((True,), ("0.5",), ([0.5],))
    def test_refuses_what_is_no_number(self, value):
        name = type(value).__name__
        with self.assertRaisesRegex(TypeError, rf"`macs` must be.*\({name}\)"):
            Budget(macs=value)

    @parameterized.parameters(
        ({"min_units": 0}, ValueError, "`min_units` must be at least 1"),
        ({"min_units": 1.5}, TypeError, "`min_units` must be an integer"),
        ({"round_to": 0}, ValueError, "`round_to` must be at least 1"),
        ({"start": -0.1}, ValueError, r"`start` must be in \[0, 1\)"),
        ({"start": float("nan")}, ValueError, r"`start` must be in \[0, 1\)"),
        ({"fine_tune": 1}, ValueError, r"`fine_tune` must be in \[0, 1\)"),
        ({"fine_tune": "0.3"}, ValueError, r"`fine_tune` must be in \[0, 1\)"),
        (
            {"start": 0.5, "fine_tune": 0.5},
            ValueError,
            "leave no time.*start=0.5, fine_tune=0.5",
        ),
        ({"on_unreachable": "warn"}, ValueError, "`on_unreachable`.*'warn'"),
    )
    def test_refuses_wrong_options(self, options, error, message):
        with self.assertRaisesRegex(error, message):
            Budget(macs=0.5, **options)

    def test_refuses_more_than_the_dense_network(self):
        with self.assertRaisesRegex(
            ValueError, "`macs` .* more than the 1,000 of .* macs=1,001"
        ):
            Budget(macs=1001).fractions(DENSE)

    def test_cannot_be_changed(self):
        with self.assertRaises(AttributeError):
            Budget(macs=0.5).macs = 0.4

    def test_config_goes_round(self):
        budget = Budget(
            macs=0.5,
            params=7,
            min_units=2,
            round_to=4,
            start=0.0,
            fine_tune=0.5,
            recalibrate=False,
            on_unreachable="closest",
        )
        config = keras.saving.serialize_keras_object(budget)
        self.assertEqual(keras.saving.deserialize_keras_object(config), budget)

    def test_unreachable_is_a_value_error(self):
        error = keras_l0.budget.UnreachableBudgetError
        self.assertTrue(issubclass(error, ValueError))

    def test_numbers_of_numpy(self):
        budget = Budget(macs=np.float64(0.5))
        self.assertEqual(budget.fractions(DENSE), {"macs": 0.5})


if __name__ == "__main__":
    absltest.main()
