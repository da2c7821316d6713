"""Tests for StepContext."""

import threading

from absl.testing import absltest

from keras_l0.layers import step_context
from tests import test_util


class StepContextTest(test_util.TestCase):
    def test_innermost_is_current(self):
        self.assertIsNone(step_context.current())
        with step_context.StepContext() as outer:
            with step_context.StepContext() as inner:
                self.assertIs(step_context.current(), inner)
            self.assertIs(step_context.current(), outer)
        self.assertIsNone(step_context.current())

    def test_error_leaves_nothing_behind(self):
        with self.assertRaises(KeyError), step_context.StepContext():
            raise KeyError
        self.assertIsNone(step_context.current())

    def test_threads_do_not_see_each_other(self):
        seen = []
        with step_context.StepContext():
            thread = threading.Thread(
                target=lambda: seen.append(step_context.current())
            )
            thread.start()
            thread.join()
        self.assertEqual(seen, [None])


if __name__ == "__main__":
    absltest.main()
