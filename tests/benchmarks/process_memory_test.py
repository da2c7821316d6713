"""Tests what is read about the process against what the process does."""

import os

import numpy as np
from absl.testing import absltest

from benchmarks import process_memory


class ProcessMemoryTest(absltest.TestCase):
    def test_resident_grows_by_what_is_written(self):
        before = process_memory.resident()
        held = np.ones(64 * 2**20, "uint8")
        # Other threads may take or give back a little.
        grown = process_memory.resident() - before
        self.assertBetween(grown, 56, 80)
        self.assertEqual(held[-1], 1)

    def test_peak_outlasts_what_was_held(self):
        held = np.ones(64 * 2**20, "uint8")
        most = process_memory.resident()
        del held
        self.assertGreaterEqual(process_memory.peak(), most - 1)

    def test_open_files(self):
        before = process_memory.open_files()
        with open(os.devnull):
            self.assertEqual(process_memory.open_files(), before + 1)
        self.assertEqual(process_memory.open_files(), before)


if __name__ == "__main__":
    absltest.main()
