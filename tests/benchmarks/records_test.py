"""Tests that records are written whole or not at all."""

import os

from absl.testing import absltest

from benchmarks import records


class RecordsTest(absltest.TestCase):
    def test_read_gives_what_was_written(self):
        folder = self.create_tempdir().full_path
        path = os.path.join(folder, "deep", "a.json")
        records.write(path, {"a": [1, 2.5]})
        self.assertEqual(records.read(path), {"a": [1, 2.5]})
        self.assertEqual(os.listdir(os.path.dirname(path)), ["a.json"])

    def test_failure_leaves_the_old_record(self):
        path = os.path.join(self.create_tempdir().full_path, "a.json")
        records.write(path, {"a": 1})
        with self.assertRaises(TypeError):
            records.write(path, {"a": object()})
        self.assertEqual(records.read(path), {"a": 1})

    def test_origin_names_no_path_of_this_machine(self):
        origin = records.origin()
        self.assertStartsWith(origin["command"], "python -m benchmarks.")
        self.assertNotIn(os.path.dirname(os.__file__), origin["command"])


if __name__ == "__main__":
    absltest.main()
