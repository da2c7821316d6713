"""Tests of the reasons that a report gives."""

from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.surgery import Barrier


class BarrierTest(parameterized.TestCase):
    @parameterized.parameters(*Barrier)
    def test_reason_is_a_phrase_of_its_own(self, reason):
        self.assertRegex(reason.value, r"^\S.* .*[^.]$")
        self.assertEqual(Barrier(reason.value), reason)


if __name__ == "__main__":
    absltest.main()
