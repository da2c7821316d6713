"""Tests of the hard concrete family: arguments, start, clamp, rules."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import ops

from keras_l0 import distributions
from keras_l0.gates import HardConcrete
from tests import test_util


class HardConcreteTest(test_util.TestCase):
    def test_defaults_are_the_published_ones(self):
        self.assertEqual(
            HardConcrete().get_config(),
            {
                "temperature": 2 / 3,
                "stretch_low": -0.1,
                "stretch_high": 1.1,
                "drop_rate": 0.5,
                "clamp": np.log(100),
                "inference": "paper",
            },
        )

    def test_distribution_takes_the_arguments(self):
        gate = HardConcrete(temperature=0.5, stretch_low=-0.2, stretch_high=1.4)
        logits = ops.convert_to_tensor([-1.0, 0.5])
        found = gate.distribution(logits)
        self.assertIsInstance(found, distributions.HardConcrete)
        self.assertAllEqual(found.logits, logits)
        self.assertAllClose(found.temperature, 0.5)
        self.assertAllClose(found.stretch_low, -0.2)
        self.assertAllClose(found.stretch_high, 1.4)
        # P(z != 0) = sigmoid(logits - temperature log(-low / high)).
        expected = 1 / (1 + np.exp(-np.array([-1, 0.5]) + 0.5 * np.log(1 / 7)))
        self.assertAllClose(gate.prob_nonzero(logits), expected)

    @parameterized.parameters(
        # Of the reference table, at logits -3, -1, 0, 1, 3.
        ("paper", [0, 0.222729706, 0.5, 0.777270294, 1]),
        ("median", [0, 0.118910629, 0.5, 0.881089371, 1]),
        # 1.355 gates are expected to be closed.
        ("topk", [0, 0.231475217, 0.5, 0.768524783, 0.973403006]),
    )
    def test_inference_rule(self, rule, expected):
        gate = HardConcrete(inference=rule)
        gates = gate.deterministic_gate(
            ops.convert_to_tensor([-3.0, -1.0, 0.0, 1.0, 3.0])
        )
        self.assertAllClose(gates, expected, rtol=1e-6)
        self.assertEqual(float(gates[0]), 0)

    @parameterized.parameters(
        (0.5, 0), (0.2, 1.386294), (0.3, 0.847298), (0.01, 4.595120)
    )
    def test_logits_start_at_the_drop_rate(self, drop_rate, mean):
        gate = HardConcrete(drop_rate=drop_rate)
        logits = np.array(gate.logits_initializer()((2000,), "float32"))
        self.assert_mean_close(logits, mean)
        # Relative error of a standard deviation 1 / sqrt(2 n); 5 of them
        # are exceeded with probability 6e-7.
        self.assertAllClose(logits.std(), 0.01, rtol=5 / np.sqrt(4000))

    def test_initializers_draw_apart(self):
        gate = HardConcrete()
        first, second = (gate.logits_initializer()((5,)) for _ in range(2))
        self.assertNotAllEqual(first, second)

    def test_constraint_clamps(self):
        logits = ops.convert_to_tensor([-9.0, -4.7, -1.0, 0.0, 4.6, 4.7])
        clamped = HardConcrete().logits_constraint()(logits)
        edge = 4.605170186
        self.assertAllClose(clamped, [-edge, -edge, -1, 0, 4.6, edge])
        clamped = HardConcrete(clamp=1).logits_constraint()(logits)
        self.assertAllClose(clamped, [-1, -1, -1, 0, 1, 1])

    def test_constraint_can_be_off(self):
        self.assertIsNone(HardConcrete(clamp=None).logits_constraint())

    @parameterized.parameters(
        ("temperature", 0, ValueError, "must be positive"),
        ("temperature", -0.5, ValueError, "must be positive"),
        ("temperature", np.nan, ValueError, "must be finite"),
        ("temperature", "1", TypeError, "must be a number"),
        ("stretch_low", None, TypeError, "must be a number"),
        ("stretch_high", np.inf, ValueError, "must be finite"),
        ("drop_rate", "half", TypeError, "must be a number"),
        ("drop_rate", np.nan, ValueError, "must be finite"),
        ("clamp", 0, ValueError, "must be positive"),
        ("clamp", -1, ValueError, "must be positive"),
        ("clamp", True, TypeError, "must be a number"),
    )
    def test_argument_out_of_range(self, name, value, error, words):
        with self.assertRaisesRegex(
            error, f"`{name}` {words}. Received: {name}={value!r}"
        ):
            HardConcrete(**{name: value})

    @parameterized.parameters(0, 1, -0.1, 1.5)
    def test_drop_rate_out_of_range(self, drop_rate):
        with self.assertRaisesRegex(
            ValueError,
            "`drop_rate` must lie strictly between 0 and 1. Received: "
            f"drop_rate={drop_rate}",
        ):
            HardConcrete(drop_rate=drop_rate)

    @parameterized.parameters((0, 1.1), (-0.1, 1), (0.1, 1.1), (-0.1, 0.9))
    def test_stretch_must_reach_both_ends(self, low, high):
        with self.assertRaisesRegex(
            ValueError,
            "`stretch_low` must be below 0 and `stretch_high` above 1, so "
            "that the gate can reach both. Received: "
            f"stretch_low={low}, stretch_high={high}",
        ):
            HardConcrete(stretch_low=low, stretch_high=high)

    def test_unknown_inference_rule(self):
        with self.assertRaisesRegex(
            ValueError,
            r"Unknown `inference`. Expected one of \('paper', 'median', "
            r"'topk'\). Received: inference='mean'",
        ):
            HardConcrete(inference="mean")

    def test_rules_are_those_of_the_distribution(self):
        for rule in distributions.HardConcrete.deterministic_rules:
            self.assertEqual(HardConcrete(inference=rule).inference, rule)

    def test_numpy_numbers_become_python_s(self):
        config = HardConcrete(np.float32(0.5), clamp=np.int64(2)).get_config()
        self.assertEqual(type(config["temperature"]), float)
        self.assertEqual(type(config["clamp"]), float)

    def test_closed_gates_learn_nothing(self):
        self.assertFalse(HardConcrete.learns_when_closed)

    def test_serialized_under_the_package_s_name(self):
        data = keras.saving.serialize_keras_object(HardConcrete(clamp=None))
        self.assertEqual(data["registered_name"], "keras_l0>HardConcrete")
        other = keras.saving.deserialize_keras_object(data)
        self.assertIsNone(other.clamp)


if __name__ == "__main__":
    absltest.main()
