"""Tests of trainings that go on where they were interrupted."""

import os

import keras
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests import test_util
from tests.training import resume_case


def gates_frozen(**kwargs):
    return keras_l0.Budget(macs=0.4, start=0.0, fine_tune=0.5, **kwargs)


class InterruptedTest(test_util.TestCase):
    def assert_goes_on(self, *args, callbacks=tuple, fitted=None, **kwargs):
        folder = self.create_tempdir().full_path
        found, history = resume_case.resumed(
            folder, *args, callbacks=callbacks, fitted=fitted, **kwargs
        )
        kwargs.pop("save_freq", None)
        expected = resume_case.build(**kwargs)
        whole = resume_case.fit(expected, callbacks(), **fitted or {})
        resume_case.assert_equal(self, found, expected)
        for name, values in history.items():
            self.assertEqual(values, whole[name][-len(values) :])
        return found, expected

    # All families, at random times: benchmarks/kill_resume.py.
    @parameterized.parameters("arm", "dependent")
    def test_families(self, gate):
        self.assert_goes_on(5, gate=gate, fitted={"epochs": 2})

    @parameterized.parameters((1, 1), (2, 5), (3, 11))
    def test_backup_inside_an_epoch(self, save_freq, step):
        self.assert_goes_on(step, save_freq=save_freq)

    @parameterized.parameters((2, 3), (3, 2), (3, 3))
    def test_compiled_step_that_is_several(self, several, step):
        # Of four batches: with three at once, the backup comes before or
        # behind the one that is left.
        self.assert_goes_on(
            step,
            save_freq=several,
            run_eagerly=False,
            jit_compile=False,
            steps_per_execution=several,
            fitted={"epochs": 2, "batch_size": 6},
        )

    @parameterized.parameters(
        # Before the check that cuts, at the cut, after it.
        ({}, "epoch", 5),
        ({}, 2, 8),
        ({"every": 2}, 1, 4),
        ({"every": 4}, 3, 11),
    )
    def test_around_a_cut(self, arguments, save_freq, step):
        made = []

        def callbacks():
            made.append(resume_case.compact(**arguments))
            return made[-1:]

        found, _ = self.assert_goes_on(
            step, callbacks=callbacks, save_freq=save_freq
        )
        self.assertEqual(resume_case.widths(found), [3, 2])
        places = [
            [(entry["epoch"], entry["step"]) for entry in compact.cuts]
            for compact in made
        ]
        self.assertLen(places[-1], 1)
        self.assertEqual(places[1], places[2])

    @parameterized.parameters(("epoch", 8), (2, 9), (1, 11))
    def test_phases_of_a_budget(self, save_freq, step):
        found, _ = self.assert_goes_on(
            step,
            callbacks=lambda: [resume_case.compact(patience=9)],
            save_freq=save_freq,
            budget=gates_frozen(),
            gate_optimizer=None,
        )
        self.assertFalse(found.is_bound)

    def test_budget_with_data_of_unknown_length(self):
        arrays = resume_case.data()
        batches = [tuple(a[i : i + 8] for a in arrays) for i in (0, 8, 16)]
        specs = tuple(tf.TensorSpec((8, *a.shape[1:])) for a in arrays)

        def train(folder, *more):
            model = resume_case.build(
                budget=gates_frozen(), gate_optimizer=None
            )
            dataset = tf.data.Dataset.from_generator(
                lambda: batches, output_signature=specs
            )
            backup = keras.callbacks.BackupAndRestore(folder)
            model.fit(dataset, epochs=4, verbose=0, callbacks=[backup, *more])
            return model

        folder = os.path.join(self.create_tempdir(), "backup")
        with self.assertRaises(resume_case.Interrupted):
            train(folder, resume_case.Interrupt(5))
        found = train(folder)
        resume_case.assert_equal(self, found, train(folder))

    def test_averages_and_schedules(self):
        def optimizers():
            rate = keras.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)
            return {
                "optimizer": keras.optimizers.AdamW(rate, use_ema=True),
                "gate_optimizer": keras.optimizers.Adam(0.02, use_ema=True),
            }

        decay = keras.callbacks.LearningRateScheduler
        gate = keras_l0.gates.HardConcrete(
            temperature=keras.optimizers.schedules.PolynomialDecay(0.9, 9, 0.5)
        )
        self.assert_goes_on(
            8, callbacks=lambda: [resume_case.compact()], optimizers=optimizers
        )
        self.assert_goes_on(
            4,
            gate=gate,
            callbacks=lambda: [decay(lambda epoch: 0.1 / (epoch + 1))],
            fitted={"epochs": 2},
        )


class HalfwayTest(test_util.TestCase):
    """A training of two epochs, a file, two more epochs from there."""

    def setUp(self):
        super().setUp()
        self.expected = resume_case.build()
        resume_case.fit(self.expected, [resume_case.compact()])

    def half(self):
        model = resume_case.build()
        # A training that ends does not cut at its end.
        stop = resume_case.Stop(after=2)
        resume_case.fit(model, [resume_case.compact(), stop])
        self.assertEqual(resume_case.widths(model), [3, 2])
        return model

    def path(self, name):
        return os.path.join(self.create_tempdir(), name)

    def assert_goes_on(self, model):
        compact = resume_case.compact()
        resume_case.fit(model, [compact], initial_epoch=2)
        resume_case.assert_equal(self, model, self.expected)
        self.assertLen(compact.cuts, 1)

    def test_model_after_a_cut(self):
        path = self.path("model.keras")
        self.half().save(path)
        self.assert_goes_on(keras.models.load_model(path))
        # And once more, with the counts of callbacks that have not run.
        again = self.path("again.keras")
        keras.models.load_model(path).save(again)
        self.assert_goes_on(keras.models.load_model(again))

    def test_weights_after_a_cut(self):
        path = self.path("model.weights.h5")
        self.half().save_weights(path)
        model = resume_case.build()
        model.optimizer.build(model.trainable_variables)
        model.load_weights(path)
        self.assert_goes_on(model)

    def test_weights_into_a_model_that_was_cut(self):
        half = self.half()
        model, path = self.path("model.keras"), self.path("model.weights.h5")
        half.save(model)
        half.save_weights(path)
        loaded = keras.models.load_model(model)
        loaded.load_weights(path)
        self.assert_goes_on(loaded)

    def test_training_from_epoch_0_is_a_new_one(self):
        path = self.path("model.keras")
        self.half().save(path)
        model, compact = keras.models.load_model(path), resume_case.compact()
        resume_case.fit(model, [compact], epochs=1)
        self.assertEqual(compact.cuts, [])

    def test_weights_into_a_model_for_inference(self):
        half, path = self.half(), self.path("model.weights.h5")
        half.save_weights(path)
        model = resume_case.dense()
        model.load_weights(path)
        x, _ = resume_case.data()
        self.assertAllEqual(model(x), half(x))
        self.assertEqual(model.gates_left, 0.5)

    def test_backup_goes_on_from_a_model_that_was_cut(self):
        path, folder = self.path("model.keras"), self.path("backup")
        self.half().save(path)

        def train(*more):
            model = keras.models.load_model(path)
            backup = keras.callbacks.BackupAndRestore(folder)
            callbacks = [backup, resume_case.compact(), *more]
            resume_case.fit(model, callbacks, initial_epoch=2)
            return model

        with self.assertRaises(resume_case.Interrupted):
            train(resume_case.Interrupt(5))
        resume_case.assert_equal(self, train(), self.expected)

    @parameterized.parameters("hard_concrete", "dependent")
    def test_frozen_gates_keep_their_slots(self, gate):
        model, path = resume_case.build(gate), self.path("model.keras")
        resume_case.fit(model, epochs=1)
        model.freeze_gates()
        resume_case.fit(model, epochs=1)
        model.save(path)
        loaded = keras.models.load_model(path)
        for each in (model, loaded):
            self.assertFalse(resume_case.trains(each))
            each.freeze_gates(False)
            resume_case.fit(each, epochs=1)
        resume_case.assert_equal(self, loaded, model)

    def test_file_from_before_the_cut(self):
        before, after = self.path("a.weights.h5"), self.path("b.weights.h5")
        model = self.half()
        model.save_weights(after)
        resume_case.build().save_weights(before)
        vector = model.get_layer("first").gate_vector
        vector.logits.assign([-4.0, 1.0, 1.0])
        callbacks = [resume_case.compact(patience=1, min_gain=0.0)]
        resume_case.fit(model, callbacks, epochs=2)
        self.assertEqual(resume_case.widths(model), [2, 2])
        with self.assertRaisesRegex(ValueError, "cut 2 times.* 1 times"):
            model.load_weights(after)
        with self.assertRaisesRegex(ValueError, "shape"):
            model.load_weights(before)

    def test_cut_of_another_model(self):
        path = self.path("model.weights.h5")
        self.half().save_weights(path)
        x = keras.Input((5,))
        gated = keras_l0.L0Gate(layers.Dense(7), name="first")
        model = keras_l0.L0Model(x, layers.Dense(2)(gated(x)))
        message = "vector 'first' has 6 gates. Received: 7 gates"
        with self.assertRaisesRegex(ValueError, message):
            model.load_weights(path)


class OtherFileTest(test_util.TestCase):
    def test_plain_model_loads_the_weights(self):
        model = resume_case.build()
        resume_case.fit(model, [resume_case.compact()], epochs=1)
        path = os.path.join(self.create_tempdir(), "model.weights.h5")
        model.save_weights(path)
        x, _ = resume_case.data()
        dense = resume_case.dense()
        plain = keras.Model(dense.input, dense.output)
        plain.load_weights(path)
        self.assertAllEqual(plain(x), model(x))
        # And back: such a file knows nothing of a training.
        plain.save_weights(path)
        other = resume_case.dense(seed=4)
        other.load_weights(path)
        self.assertAllEqual(other(x), model(x))

    def test_other_number_of_random_generators(self):
        x = keras.Input((3,))

        def build(rate):
            h = keras_l0.L0Gate(layers.Dense(2), name="gated")(x)
            h = layers.Dropout(0.5)(h) if rate else h
            return keras_l0.L0Model(x, h)

        path = os.path.join(self.create_tempdir(), "model.weights.h5")
        build(0.5).save_weights(path)
        with self.assertLogs(level="WARNING") as logs:
            build(None).load_weights(path)
        self.assertIn("has 1 generators, and the file is of", logs.output[0])

    def test_weights_appear_whole_or_not_at_all(self):
        model = resume_case.dense()
        folder = self.create_tempdir().full_path
        path = os.path.join(folder, "model.weights.h5")
        model.save_weights(path)
        kernel = model.layers[-1].kernel
        before = kernel.numpy()
        kernel.assign(kernel + 1)

        def fail(store):
            raise OSError("disk full")

        model.layers[-1].save_own_variables = fail
        with self.assertRaisesRegex(OSError, "disk full"):
            model.save_weights(path)
        self.assertEqual(os.listdir(folder), ["model.weights.h5"])
        other = resume_case.dense()
        other.load_weights(path)
        self.assertAllEqual(other.layers[-1].kernel, before)

    def test_second_fit_trains_all_its_epochs(self):
        folder = self.create_tempdir().full_path
        model, _ = resume_case.resumed(folder, 5, tuple)
        steps = int(model.optimizer.iterations)
        resume_case.fit(model, epochs=2)
        self.assertEqual(int(model.optimizer.iterations), steps + 6)


if __name__ == "__main__":
    absltest.main()
