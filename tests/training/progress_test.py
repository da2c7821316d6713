"""Tests of the place in a training, and of backups that are cut short."""

import os

import keras
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.training.progress import GoOn
from keras_l0.training.progress import Progress
from keras_l0.training.training_state import TrainingState
from tests import test_util


class ProgressTest(test_util.TestCase):
    def progress(self, backups=()):
        made = Progress(TrainingState(lambda: None), list(backups))
        made.set_params({"steps": None})
        return made

    def test_place(self):
        progress = self.progress()
        progress.on_epoch_begin(2)
        progress.on_train_batch_end(0)
        progress.on_train_batch_end(3)
        found = progress.get_training_state()
        self.assertEqual(found, {"epoch": 2, "batch": 4})
        progress.on_epoch_end(2)
        found = progress.get_training_state()
        self.assertEqual(found, {"epoch": 3, "batch": 0})

    def test_last_execution_may_be_cut_short(self):
        progress = self.progress()
        progress.set_params({"steps": 4})
        progress.on_epoch_begin(0)
        progress.on_train_batch_end(5)  # of twice three steps
        self.assertEqual(progress.get_training_state()["batch"], 4)

    def test_batches_that_are_passed_over_do_not_count(self):
        progress = self.progress()
        progress.set_training_state({"epoch": 2, "batch": 4})
        progress.on_epoch_begin(2)
        progress.on_train_batch_end(0)
        found = progress.get_training_state()
        self.assertEqual(found, {"epoch": 2, "batch": 4})
        progress.on_train_batch_end(4)
        self.assertEqual(progress.get_training_state()["batch"], 5)

    @parameterized.parameters(
        # Weights there, note; whether the note stays.
        (True, '{"epoch": 1}', True),
        (True, '{"epo', False),
        (True, "", False),
        (False, '{"epoch": 1}', False),
    )
    def test_remains_of_a_backup(self, has_weights, note, stays):
        folder = self.create_tempdir().full_path
        paths = [
            os.path.join(folder, name)
            for name in ("latest.weights.h5", "training_metadata.json")
        ]
        for path, text in zip(paths, ("h5", note), strict=True):
            if path is paths[1] or has_weights:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
        backup = keras.callbacks.BackupAndRestore(folder)
        self.progress([backup]).on_train_begin()
        self.assertEqual(os.path.exists(paths[1]), stays)
        self.assertEqual(os.path.exists(paths[0]), has_weights)


class GoOnTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", steps_per_execution=2)
        self.trained = []
        model.train_function = lambda iterator: self.trained.append(
            next(iterator)
        )
        state = TrainingState(lambda: model)
        progress = Progress(state, [])
        self.model, self.go_on = model, GoOn(progress, state)
        self.go_on.set_model(model)
        progress.set_training_state({"epoch": 1, "batch": 4})
        self.go_on.on_train_begin()
        self.go_on.on_epoch_begin(1)

    def test_batches_are_read_and_not_trained_on(self):
        data = iter(range(6))
        for _ in range(3):
            self.model.train_function(data)
        self.assertEqual(self.trained, [4])
        self.go_on.on_epoch_end(1)
        # The next epoch is read from its beginning.
        self.go_on.on_epoch_begin(2)
        self.model.train_function(iter([7]))
        self.assertEqual(self.trained, [4, 7])

    def test_next_epoch_trains_if_fewer_batches_came(self):
        data = iter(range(3))
        self.model.train_function(data)
        with self.assertRaises(StopIteration):
            self.model.train_function(data)
        self.go_on.on_epoch_end(1)
        self.go_on.on_epoch_begin(2)
        self.model.train_function(iter([7]))
        self.assertEqual(self.trained, [7])


if __name__ == "__main__":
    absltest.main()
