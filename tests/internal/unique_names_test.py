"""Tests for names that are given once each."""

from absl.testing import absltest

from keras_l0.internal.unique_names import UniqueNames
from tests import test_util


class UniqueNamesTest(test_util.TestCase):
    def test_names_are_counted_up(self):
        unique = UniqueNames(["taken", "a_1"])
        names = [unique(name) for name in ("a", "a", "a", "b", "taken")]
        self.assertEqual(names, ["a", "a_2", "a_3", "b", "taken_1"])


if __name__ == "__main__":
    absltest.main()
