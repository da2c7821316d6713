"""Tests of the folder of a Pareto front."""

import json
import os
from unittest import mock

import keras
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.callbacks import pareto_folder
from keras_l0.report import ParetoFront
from keras_l0.report import ParetoPoint
from tests import test_util

EMPTY = ParetoFront("val_loss", "min", "macs", params=99, macs=999)


def model(units=1):
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(units)])


class ParetoFolderTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.create_tempdir().full_path, "sizes")
        self.folder = pareto_folder.ParetoFolder(self.path)

    def names(self):
        return sorted(os.listdir(self.path))

    def two_models(self):
        front = self.folder.open(EMPTY)
        front = self.folder.add(front, ParetoPoint(1, 0.5, 9, 80), model(1))
        return self.folder.add(front, ParetoPoint(2, 0.7, 8, 60), model(2))

    def test_models_and_index(self):
        front = self.two_models()
        self.assertEqual(
            self.names(),
            [
                "epoch_0001_macs_80.keras",
                "epoch_0002_macs_60.keras",
                "pareto.json",
            ],
        )
        for point, units in zip(front.points, (2, 1), strict=True):
            path = os.path.join(self.path, point.file)
            found = keras.saving.load_model(path)
            self.assertEqual(found.layers[-1].units, units)

    def test_dominated_models_are_removed(self):
        front = self.two_models()
        front = self.folder.add(front, ParetoPoint(3, 0.4, 9, 70), model(3))
        self.assertEqual([p.epoch for p in front.points], [2, 3])
        self.assertNotIn("epoch_0001_macs_80.keras", self.names())
        self.assertIn("epoch_0003_macs_70.keras", self.names())

    def test_same_epoch_and_cost_get_a_name_of_their_own(self):
        front = self.two_models()
        front = self.folder.add(front, ParetoPoint(2, 0.6, 8, 60), model(3))
        self.assertEqual(
            [p.file for p in front.points],
            ["epoch_0002_macs_60_2.keras", "epoch_0001_macs_80.keras"],
        )
        self.assertIn("epoch_0002_macs_60_2.keras", self.names())
        self.assertNotIn("epoch_0002_macs_60.keras", self.names())

    def test_reopened_folder_goes_on(self):
        front = self.two_models()
        again = pareto_folder.ParetoFolder(self.path).open(EMPTY)
        self.assertEqual(again, front)
        self.assertLen(self.names(), 3)

    def test_other_files_are_left_alone(self):
        self.two_models()
        for name in ("notes.txt", "best.keras"):
            with open(os.path.join(self.path, name), "w") as file:
                file.write("mine")
        front = self.folder.open(EMPTY)
        self.folder.add(front, ParetoPoint(3, 0.1, 1, 1), model())
        self.assertContainsSubset(["notes.txt", "best.keras"], self.names())

    def test_crash_before_the_index_leaves_the_old_state(self):
        front = self.two_models()
        with mock.patch.object(
            pareto_folder.ParetoFolder, "_write", side_effect=OSError("full")
        ):
            with self.assertRaisesRegex(OSError, "full"):
                self.folder.add(front, ParetoPoint(3, 0.1, 1, 5), model())
        self.assertIn("epoch_0003_macs_5.keras", self.names())
        self.assertEqual(self.folder.open(EMPTY), front)
        self.assertLen(self.names(), 3)  # what nobody knows of is gone

    def test_crash_after_the_index_leaves_the_new_state(self):
        front = self.two_models()
        with mock.patch.object(
            pareto_folder.ParetoFolder, "_remove", side_effect=OSError("dead")
        ):
            with self.assertRaisesRegex(OSError, "dead"):
                self.folder.add(front, ParetoPoint(3, 0.1, 1, 5), model())
        again = self.folder.open(EMPTY)
        self.assertEqual([p.epoch for p in again.points], [3])
        self.assertEqual(
            self.names(), ["epoch_0003_macs_5.keras", "pareto.json"]
        )

    def test_failed_save_leaves_no_file(self):
        front = self.two_models()
        broken = model()
        with mock.patch.object(broken, "save", side_effect=OSError("full")):
            with self.assertRaisesRegex(OSError, "full"):
                self.folder.add(front, ParetoPoint(3, 0.1, 1, 5), broken)
        self.assertLen(self.names(), 3)
        self.assertEqual(self.folder.open(EMPTY), front)

    def test_missing_file_is_taken_from_the_index(self):
        self.two_models()
        os.remove(os.path.join(self.path, "epoch_0002_macs_60.keras"))
        with self.assertLogs(level="WARNING") as logs:
            front = self.folder.open(EMPTY)
        self.assertEqual([p.epoch for p in front.points], [1])
        self.assertRegex(logs.output[0], "epoch_0002_macs_60.* is gone")

    @parameterized.parameters(
        ("monitor", "val_mae"), ("cost", "params"), ("macs", 1000)
    )
    def test_folder_of_another_training_raises(self, field, value):
        self.two_models()
        record = {**EMPTY.to_dict(), field: value}
        with self.assertRaisesRegex(
            ValueError,
            r"holds the models of another training: val_loss \(min\) against "
            r"macs, of 99 parameters and 999 MACs. This one",
        ):
            self.folder.open(ParetoFront.from_dict(record))
        self.assertLen(self.names(), 3)

    @parameterized.parameters("{", "[]", '{"points": [{}]}', '{"points": 3}')
    def test_broken_index_raises(self, text):
        self.two_models()
        with open(os.path.join(self.path, "pareto.json"), "w") as file:
            file.write(text)
        with self.assertRaisesRegex(ValueError, "'pareto.json' in `folder`"):
            self.folder.open(EMPTY)
        self.assertLen(self.names(), 3)

    def test_models_without_an_index_raise(self):
        self.two_models()
        os.remove(os.path.join(self.path, "pareto.json"))
        with self.assertRaisesRegex(
            FileExistsError, "'epoch_0001_macs_80.keras', but no 'pareto.json'"
        ):
            self.folder.open(EMPTY)
        self.assertLen(self.names(), 2)

    @parameterized.parameters("../mine.keras", "notes.txt", "")
    def test_index_that_names_other_files_raises(self, name):
        front = self.two_models()
        record = front.to_dict()
        record["points"][0]["file"] = name
        with open(os.path.join(self.path, "pareto.json"), "w") as file:
            json.dump(record, file)
        with self.assertRaisesRegex(ValueError, "'pareto.json' in `folder`"):
            self.folder.open(EMPTY)

    def test_index_that_is_too_deep_raises(self):
        self.two_models()
        with open(os.path.join(self.path, "pareto.json"), "w") as file:
            file.write("[" * 100_000)
        with self.assertRaisesRegex(ValueError, "'pareto.json' in `folder`"):
            self.folder.open(EMPTY)

    def test_file_in_place_of_the_folder_raises(self):
        with open(self.path, "w") as file:
            file.write("")
        with self.assertRaisesRegex(NotADirectoryError, "`folder` must name"):
            self.folder.open(EMPTY)

    def test_index_is_json(self):
        front = self.two_models()
        with open(os.path.join(self.path, "pareto.json")) as file:
            self.assertEqual(
                json.load(file), json.loads(json.dumps(front.to_dict()))
            )


if __name__ == "__main__":
    absltest.main()
