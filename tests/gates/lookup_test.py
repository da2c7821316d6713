"""Tests of how a gate family is found."""

from absl.testing import absltest
from absl.testing import parameterized

from keras_l0 import gates
from tests import test_util


class GetTest(test_util.TestCase):
    def test_name_makes_a_new_one(self):
        first, second = (gates.get("hard_concrete") for _ in range(2))
        self.assertIs(type(first), gates.HardConcrete)
        self.assertIsNot(first, second)
        self.assertEqual(first.get_config(), gates.HardConcrete().get_config())

    def test_gate_is_returned_as_it_is(self):
        gate = gates.HardConcrete(drop_rate=0.1)
        self.assertIs(gates.get(gate), gate)

    @parameterized.parameters("hard", "HardConcrete", "")
    def test_unknown_name(self, name):
        with self.assertRaisesRegex(
            ValueError,
            r"Unknown `gate`. Expected one of \('hard_concrete'.*\) or a "
            f"`keras_l0.gates.Gate`. Received: gate={name!r}",
        ):
            gates.get(name)

    @parameterized.parameters((None,), (3,), (gates.HardConcrete,))
    def test_wrong_type(self, identifier):
        name = type(identifier).__name__
        with self.assertRaisesRegex(
            TypeError,
            "`gate` must be the name of a gate family or a "
            rf"`keras_l0.gates.Gate`. Received: gate=.* \({name}\)",
        ):
            gates.get(identifier)


if __name__ == "__main__":
    absltest.main()
