"""Tests that growth is seen where there is some, and a short training."""

from absl.testing import absltest
from absl.testing import parameterized

from benchmarks import step_leaks
from tests import test_util


class StepLeaksTest(test_util.TestCase):
    def test_changes(self):
        before = {"resident_mib": 200.0, "open_files": 5, "traces": 1}
        after = {"resident_mib": 210.0, "open_files": 7, "traces": 4}
        self.assertEqual(
            step_leaks.changes(before, after),
            {"growth": 0.05, "files": 2, "retraces": 3},
        )

    @parameterized.parameters("hard_concrete", "ar")
    def test_short_training_is_not_traced_again(self, family):
        found = step_leaks.measure(family, steps=260, first=10)
        self.assertEqual([look["step"] for look in found["seen"]], [10, 500])
        self.assertGreater(found["seen"][0]["traces"], 0)
        self.assertEqual(found["retraces"], 0)
        self.assertEqual(found["files"], 0)


if __name__ == "__main__":
    absltest.main()
