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
        return Progress(TrainingState(lambda: None), list(backups))

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
    def test_batches_are_read_and_not_trained_on(self):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", steps_per_execution=2)
        trained = []
        model.train_function = lambda iterator: trained.append(next(iterator))
        state = TrainingState(lambda: model)
        progress = Progress(state, [])
        go_on = GoOn(progress, state)
        go_on.set_model(model)
        progress.set_training_state({"epoch": 1, "batch": 4})
        go_on.on_train_begin()
        go_on.on_epoch_begin(1)
        data = iter(range(6))
        for _ in range(3):
            model.train_function(data)
        self.assertEqual(trained, [4])
        # The next epoch is read from its beginning.
        go_on.on_epoch_begin(2)
        model.train_function(iter([7]))
        self.assertEqual(trained, [4, 7])


if __name__ == "__main__":
    absltest.main()
