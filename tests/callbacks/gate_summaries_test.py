"""Tests of what is written about gates for TensorBoard."""

import os
import pathlib

import keras
import numpy as np
from absl.testing import absltest

import keras_l0
from tests import test_util
from tests.callbacks import event_files

LOGITS = {"first": [-4.0, 4.0, 0.5], "second": [4.0, -0.5]}
BETA, LOW, HIGH = 2 / 3, -0.1, 1.1


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, "float64")))


def prob_open(logits):
    """1 - Q(0) of the hard concrete distribution (Louizos et al., eq. 12)."""
    return sigmoid(np.asarray(logits) - BETA * np.log(-LOW / HIGH))


def gate_values(logits):
    """Gates in inference (Louizos et al., eq. 13)."""
    return np.clip(sigmoid(logits) * (HIGH - LOW) + LOW, 0, 1)


def gated_model():
    inputs = keras.Input((3,))
    x = keras_l0.L0Gate(keras.layers.Dense(3), l0=0.1, name="first")(inputs)
    x = keras_l0.L0Gate(keras.layers.Dense(2), l0=0.1, name="second")(x)
    outputs = keras.layers.Dense(1)(x)
    return keras.Model(inputs, outputs)


def set_logits(model):
    for name, logits in LOGITS.items():
        model.get_layer(name).gate_vector.logits.assign(logits)


def fit(model, *callbacks, **kwargs):
    x, y = np.ones((8, 3)), np.ones((8, 1))
    return model.fit(x, y, verbose=0, callbacks=[*callbacks], **kwargs)


class GateSummariesTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.log_dir = self.create_tempdir().full_path
        self.model = gated_model()
        set_logits(self.model)
        self.model.compile(keras.optimizers.SGD(0.0), "mse")

    def events(self):
        return event_files.read(os.path.join(self.log_dir, "gates"))

    def test_scalars_are_those_of_the_gates(self):
        fit(self.model, keras_l0.callbacks.GateSummaries(self.log_dir))
        found = self.events()
        total = 0.0
        for name, logits in LOGITS.items():
            probs = prob_open(logits)
            total += probs.sum()
            for tag, expected in (
                ("open_gates", np.count_nonzero(gate_values(logits))),
                ("expected_open_gates", probs.sum()),
                ("prob_open", probs.mean()),
            ):
                # A few float32 operations on numbers below 4.
                self.assertAllClose(
                    found[f"{tag}/{name}"], {0: expected}, rtol=1e-6
                )
        self.assertAllClose(found["gates/open_fraction"], {0: 4 / 5})
        self.assertAllClose(
            found["gates/expected_open_fraction"], {0: total / 5}, rtol=1e-6
        )
        self.assertNotIn("gates/penalty", found)

    def test_histograms_are_those_of_the_gates(self):
        fit(self.model, keras_l0.callbacks.GateSummaries(self.log_dir))
        found = self.events()
        for name, logits in LOGITS.items():
            for tag, values in (
                ("gate_logits", np.asarray(logits)),
                ("gate_prob_open", prob_open(logits)),
                ("gate_values", gate_values(logits)),
            ):
                buckets = found[f"{tag}/{name}"][0]
                self.assertEqual(buckets[:, 2].sum(), len(logits))
                ends = [buckets[0, 0], buckets[-1, 1]]
                self.assertAllClose(
                    ends, [values.min(), values.max()], rtol=1e-6
                )

    def test_l0_model_has_its_penalty(self):
        model = keras_l0.L0Model.from_model(self.model)
        model.compile(keras.optimizers.SGD(0.0), "mse", gate_optimizer="sgd")
        summaries = keras_l0.callbacks.GateSummaries(self.log_dir)
        history = fit(model, summaries, epochs=2).history
        penalty = self.events()["gates/penalty"]
        self.assertAllClose(penalty, dict(enumerate(history["penalty"])))
        self.assertGreater(penalty[0], 0)

    def test_one_step_for_each_epoch(self):
        fit(
            self.model,
            keras_l0.callbacks.GateSummaries(self.log_dir, 2),
            epochs=5,
        )
        found = self.events()
        self.assertEqual([*found["gates/open_fraction"]], [0, 1, 2, 3, 4])
        self.assertEqual([*found["gate_logits/first"]], [0, 2, 4])

    def test_resumed_training_goes_on(self):
        summaries = keras_l0.callbacks.GateSummaries(pathlib.Path(self.log_dir))
        fit(self.model, summaries, epochs=2)
        fit(self.model, summaries, epochs=4, initial_epoch=2)
        self.assertEqual([*self.events()["open_gates/first"]], [0, 1, 2, 3])

    def test_histograms_can_be_left_out(self):
        fit(
            self.model,
            keras_l0.callbacks.GateSummaries(self.log_dir, 0),
            epochs=2,
        )
        tags = [tag for tag in self.events() if tag.startswith("gate_")]
        self.assertEmpty(tags)

    def test_files_are_complete_after_each_epoch(self):
        seen = []
        look = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda *_: seen.append(
                [*self.events()["open_gates/second"]]
            )
        )
        summaries = keras_l0.callbacks.GateSummaries(self.log_dir)
        fit(self.model, summaries, look, epochs=2)
        self.assertEqual(seen, [[0], [0, 1]])

    def test_dependent_gates(self):
        inputs = keras.Input((3,))
        gated = keras_l0.L0Gate(keras.layers.Dense(4), "dependent", name="a")
        model = keras_l0.L0Model(inputs, keras.layers.Dense(1)(gated(inputs)))
        model.compile("sgd", "mse")
        fit(model, keras_l0.callbacks.GateSummaries(self.log_dir))
        probs = gated.gate_vector.prob_nonzero().numpy()
        self.assertAllClose(self.events()["prob_open/a"], {0: probs.mean()})

    def test_training_is_not_changed(self):
        weights = []
        for callbacks in ([], [keras_l0.callbacks.GateSummaries(self.log_dir)]):
            keras.utils.set_random_seed(test_util.test_seed())
            model = gated_model()
            model.compile("sgd", "mse")
            fit(model, *callbacks, epochs=2)
            weights.append(model.get_weights())
        for one, other in zip(*weights, strict=True):
            self.assertAllEqual(one, other)

    def test_model_without_gates(self):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        with self.assertRaisesRegex(
            ValueError, "`GateSummaries` needs a model with gates"
        ):
            fit(model, keras_l0.callbacks.GateSummaries(self.log_dir))

    def test_bad_arguments(self):
        with self.assertRaisesRegex(TypeError, "`log_dir` must be a path"):
            keras_l0.callbacks.GateSummaries(None)
        with self.assertRaisesRegex(
            ValueError, "`histograms_every` must be at least 0"
        ):
            keras_l0.callbacks.GateSummaries("logs", -1)


if __name__ == "__main__":
    absltest.main()
