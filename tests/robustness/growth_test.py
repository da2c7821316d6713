"""Tests that nothing grows while a model trains, or is made and dropped."""

import gc
import os
import weakref

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import descriptors
from tests import test_util

STEPS, FIRST = 300, 100
ROUNDS = 10
FAMILIES = (
    "hard_concrete",
    "arm",
    "diff_prune",
    "straight_through",
    "dependent",
)


def open_files():
    return len(os.listdir("/proc/self/fd"))


def alive():
    """Class -> number of objects: those of this package, and variables."""
    gc.collect()
    counts = {}
    for one in gc.get_objects():
        cls = type(one)
        own = str(cls.__module__).startswith("keras_l0.")
        if own or issubclass(cls, keras.Variable):
            counts[cls] = counts.get(cls, 0) + 1
    return counts


class Watch(keras.callbacks.Callback):
    """Looks at the process after `FIRST` steps and at the end."""

    def __init__(self, traces):
        super().__init__()
        self._traces, self._steps, self.seen = traces, 0, []

    def on_train_batch_end(self, batch, logs=None):
        self._steps += 1
        if self._steps in (FIRST, STEPS):
            found = (len(self._traces), open_files(), alive())
            self.seen.append(found)


def dense_model():
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(6, activation="relu"),
            keras.layers.Dense(5, activation="relu"),
            keras.layers.Dense(2),
        ]
    )


def gated_model(gate="hard_concrete"):
    return keras_l0.add_gates(dense_model(), gate, 1e-3)


class GrowthTest(test_util.TestCase):
    @parameterized.parameters(*FAMILIES)
    def test_training(self, gate):
        model = gated_model(gate)
        traces = []

        def loss(y, outputs):
            traces.append(None)  # Python runs while the step is traced, only.
            return keras.losses.mean_squared_error(y, outputs)

        model.compile("sgd", loss)
        # 10 batches, the last one smaller: its trace is another one.
        x = descriptors.inputs(batch_size=76)
        watch = Watch(traces)
        model.fit(
            *(x, x[:, :2]),
            batch_size=8,
            epochs=STEPS // 10,
            verbose=0,
            callbacks=[watch],
        )
        before, after = watch.seen
        self.assertEqual(after, before)
        # Twice a trace, for two sizes, at most; ARM computes two losses.
        self.assertLessEqual(after[0], 8)

    def assert_dropped(self, make, rounds=ROUNDS):
        """Asserts that what `make` returns goes, and nothing else stays."""
        make()  # what is made once for all
        before = alive()
        files = open_files()
        gone = []
        for _ in range(rounds):
            gone.extend(map(weakref.ref, make()))
            keras.backend.clear_session(free_memory=False)
        after = alive()
        self.assertEqual([ref for ref in gone if ref() is not None], [])
        self.assertEqual(after, before)
        self.assertEqual(open_files(), files)

    def test_gates_and_no_gates(self):
        def make():
            gated = gated_model()
            return gated, keras_l0.strip_gates(gated, min_units=1)

        self.assert_dropped(make)

    def test_clones(self):
        kept = gated_model()
        self.assert_dropped(lambda: [keras.models.clone_model(kept)])

    def test_stripping_again_and_again(self):
        kept = gated_model()
        self.assert_dropped(
            lambda: [keras_l0.strip_gates(kept, min_units=1, keep_gates=True)]
        )

    def test_training_again_and_again(self):
        x = np.ones((8, 4), "float32")

        def make():
            model = gated_model()
            model.compile("adam", "mse", budget=keras_l0.Budget(macs=0.8))
            model.fit(x, x[:, :2], verbose=0)
            return [model]

        self.assert_dropped(make, rounds=3)

    def test_saving_again_and_again(self):
        path = os.path.join(self.create_tempdir().full_path, "model.keras")
        gated_model().save(path)
        self.assert_dropped(lambda: [keras.models.load_model(path)])


if __name__ == "__main__":
    absltest.main()
