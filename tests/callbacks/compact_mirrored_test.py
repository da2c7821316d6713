"""Tests of cuts in a training on several devices."""

import json
import os
import pathlib
import subprocess
import sys

from absl.testing import absltest

from tests import test_util

_ROOT = pathlib.Path(__file__).parents[2]


class MirroredTest(test_util.TestCase):
    def test_losses_go_on(self):
        path = os.pathsep.join([str(_ROOT), *sys.path])
        done = subprocess.run(
            [sys.executable, "-m", "tests.callbacks.compact_mirrored"],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        whole, smaller = json.loads(done.stdout.splitlines()[-1])
        losses, same, size = whole
        found, still_same, left = smaller
        # Rounding, of at most 12 steps.
        self.assertAllClose(found, losses, rtol=1e-6, atol=1e-6)
        self.assertTrue(same and still_same)
        self.assertLess(left, size)


if __name__ == "__main__":
    absltest.main()
