"""Tests of models that become smaller while they train."""

import gc
import os
import weakref

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.internal import keras_internals
from keras_l0.surgery.cut import cut
from keras_l0.training.adoption import adopt
from tests import test_util
from tests.training import compact_case

# Sums over fewer terms round otherwise, by some units in the last place of
# float32 (1.2e-7) per step; the trainings are eight steps long.
TOLERANCE = 1e-6

OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "adamw": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1),
    "averaged": lambda: keras.optimizers.Adam(
        0.01, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2
    ),
    "accumulating": lambda: keras.optimizers.Adam(
        0.01, gradient_accumulation_steps=2
    ),
    "nadam": lambda: keras.optimizers.Nadam(0.01),
    "clipped": lambda: keras.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5),
        global_clipnorm=0.1,
    ),
}


class ContinuityTest(test_util.TestCase):
    def assert_continues(self, model, other, cut_after, **compiled):
        """Trains equal models, one with a cut: equal losses, then results."""
        expected = compact_case.train(model, **compiled)
        size = other.count_params()
        losses = compact_case.train(other, cut_after, **compiled)
        self.assertAllClose(losses, expected, rtol=TOLERANCE, atol=TOLERANCE)
        self.assertLess(other.count_params(), size)
        x, _ = compact_case.data(model)
        results = [keras_l0.strip_gates(m) for m in (model, other)]
        first, second = [m(x, training=False) for m in results]
        # Adam makes steps of noise where a gradient is 0 but for rounding.
        self.assertAllClose(first, second, rtol=1e-4, atol=1e-4)
        first, second = [m.count_params() for m in results]
        self.assertEqual(first, second)

    @parameterized.parameters(*compact_case.NETWORKS)
    def test_networks(self, network):
        models = [compact_case.fresh(network) for _ in range(2)]
        # Tracing takes longer than these steps.
        self.assert_continues(*models, 3, run_eagerly=True)

    @parameterized.parameters(*OPTIMIZERS)
    def test_optimizers(self, name):
        models = [compact_case.fresh() for _ in range(2)]
        gates = keras.optimizers.SGD
        if name in ("averaged", "accumulating"):
            gates = keras.optimizers.Adam
        compiled = [
            {
                "optimizer": OPTIMIZERS[name](),
                "gate_optimizer": gates(
                    0.01,
                    use_ema=name == "averaged",
                    ema_overwrite_frequency=2 if name == "averaged" else None,
                ),
            }
            for _ in models
        ]
        eager = {"run_eagerly": True}
        expected = compact_case.train(models[0], **compiled[0], **eager)
        losses = compact_case.train(models[1], 3, **compiled[1], **eager)
        self.assertAllClose(losses, expected, rtol=TOLERANCE, atol=TOLERANCE)

    def test_compiled_by_xla_several_steps_at_once(self):
        models = [compact_case.fresh() for _ in range(2)]
        mode = {"jit_compile": True, "steps_per_execution": 2}
        self.assert_continues(*models, 1, **mode)

    def test_scaled_loss(self):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        keras.config.set_dtype_policy("mixed_float16")
        models = [compact_case.fresh() for _ in range(2)]
        expected = compact_case.train(models[0])
        losses = compact_case.train(models[1], 3)
        # Sums in half precision, of eight terms at most.
        self.assertAllClose(losses, expected, rtol=4e-3)
        scales = [m.optimizer.dynamic_scale.numpy() for m in models]
        steps = [m.optimizer.step_counter.numpy() for m in models]
        self.assertEqual(*scales)
        self.assertEqual(*steps)

    @parameterized.parameters(
        "hard_concrete", "arm", "straight_through", "dependent"
    )
    def test_frozen_gates_of_all_families(self, gate):
        models = [compact_case.fresh("mlp", gate) for _ in range(2)]
        for model in models:
            model.freeze_gates()
        self.assert_continues(*models, 3, run_eagerly=True)

    def test_dependent_gates_go_on(self):
        model = compact_case.fresh("mlp", "dependent")
        compact_case.train(
            model,
            run_eagerly=True,
            gate_optimizer=keras.optimizers.Adam(0.01),
        )
        vectors = keras_l0.layers.gate_vectors(model).values()
        kept = [~compact_case.closed(vector) for vector in vectors]
        logits = [v.effective_logits().numpy() for v in vectors]
        slots = [self.moments(model, k) for k in model.gate_chain.kernels]
        compact_case.cut_closed(model)
        vectors = keras_l0.layers.gate_vectors(model).values()
        for vector, keeps, old in zip(vectors, kept, logits, strict=True):
            self.assertLess(vector.num_gates, keeps.size)
            self.assertAllClose(
                vector.effective_logits(), old[keeps], rtol=1e-5, atol=1e-6
            )
        chain = model.gate_chain
        rows = [kept[0], kept[0]]
        for kernel, old, above, beside in zip(
            chain.kernels, slots, rows, kept, strict=True
        ):
            for moment, before in zip(
                self.moments(model, kernel), old, strict=True
            ):
                self.assertNotAllClose(before, np.zeros_like(before))
                self.assertAllEqual(moment, before[above][:, beside])
        compact_case.fit(model, 1, [])
        self.assertNotAllClose(chain.offsets[1], [0.0] * kept[1].sum())

    def moments(self, model, variable):
        """Adam's moments of a variable of the gates."""
        adam = model.optimizer.gate_optimizer
        slots = keras_internals.optimizer_slots(adam)
        return [found[id(variable)].numpy() for found in slots.values()]

    def test_random_masks_go_on(self):
        def dropped():
            keras.utils.set_random_seed(2)
            x = keras.Input((5,))
            h = keras.layers.Dropout(0.5, seed=3)(x)
            h = compact_case.gated(keras.layers.Dense(8), "first")(h)
            model = keras_l0.L0Model(x, keras.layers.Dense(2)(h))
            compact_case.close_some(model)
            return model

        self.assert_continues(dropped(), dropped(), 3, run_eagerly=True)

    def test_price_may_follow_a_schedule(self):
        def scheduled():
            keras.utils.set_random_seed(2)
            steps = keras.optimizers.schedules.PolynomialDecay(1e-3, 20, 0.1)
            x = keras.Input((5,))
            h = compact_case.gated(keras.layers.Dense(8), "first")(x)
            h = keras_l0.L0Gate(
                keras.layers.Dense(6), "diff_prune", l0=steps, name="second"
            )(h)
            model = keras_l0.L0Model(x, keras.layers.Dense(2)(h))
            compact_case.close_some(model)
            return model

        self.assert_continues(scheduled(), scheduled(), 3, run_eagerly=True)

    def test_step_is_traced_anew(self):
        models = [compact_case.fresh() for _ in range(2)]
        self.assert_continues(*models, 3)

    def test_two_cuts(self):
        first, second = [compact_case.fresh() for _ in range(2)]
        expected = compact_case.train(first, run_eagerly=True)
        names = ("first", "second")
        before = [second.get_layer(n).gate_vector.num_gates for n in names]

        def one_more(vector):
            removed = np.zeros(vector.num_gates, bool)
            removed[np.argmax(compact_case.closed(vector))] = True
            return removed

        class Twice(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                if batch in (1, 2) and self.model.optimizer.iterations < 4:
                    adopt(self.model, cut(self.model, one_more))

        second.compile(
            keras.optimizers.Adam(0.01),
            "mse",
            gate_optimizer=keras.optimizers.SGD(0.01),
            run_eagerly=True,
        )
        losses = compact_case.Losses()
        compact_case.fit(second, 2, [losses, Twice()])
        self.assertAllClose(
            losses.values, expected, rtol=TOLERANCE, atol=TOLERANCE
        )
        after = [second.get_layer(n).gate_vector.num_gates for n in names]
        self.assertEqual(after, [count - 2 for count in before])


class ModelTest(test_util.TestCase):
    def trained(self, gate="diff_prune"):
        model = compact_case.fresh("mlp", gate)
        compact_case.train(model, 3, run_eagerly=True)
        return model

    def test_model_and_optimizer_stay_the_same_objects(self):
        model = compact_case.fresh()
        compact_case.train(model, run_eagerly=True)
        optimizer, iterations = model.optimizer, model.optimizer.iterations
        steps = int(iterations)
        compact_case.cut_closed(model)
        self.assertIs(model.optimizer, optimizer)
        self.assertIs(model.optimizer.iterations, iterations)
        compact_case.fit(model, 1, [])
        self.assertEqual(int(iterations), steps + 4)

    @parameterized.parameters("diff_prune", "dependent")
    def test_saved_file_goes_on_like_the_model(self, gate):
        model = self.trained(gate)
        path = os.path.join(self.create_tempdir(), "model.keras")
        model.save(path)
        loaded = keras.models.load_model(path)
        losses = [compact_case.Losses() for _ in range(2)]
        for each, kept in zip((model, loaded), losses, strict=True):
            compact_case.fit(each, 2, [kept])
        self.assertAllEqual(*[kept.values for kept in losses])

    def test_weights_can_be_saved_and_loaded(self):
        model = self.trained()
        path = os.path.join(self.create_tempdir(), "model.weights.h5")
        model.save_weights(path)
        x, _ = compact_case.data(model)
        before = model(x)
        for weight in model.weights:
            weight.assign(weight * 0 + 1)
        model.load_weights(path)
        self.assertAllEqual(model(x), before)

    def test_checkpoints_of_tensorflow_hold_the_new_layers(self):
        model = self.trained()
        path = os.path.join(self.create_tempdir(), "checkpoint")
        path = tf.train.Checkpoint(model).write(path)
        saved = dict(tf.train.list_variables(path))
        shapes = [list(v.shape) for v in model.trainable_variables]
        for shape in shapes:
            self.assertIn(shape, saved.values())

    def test_random_numbers_of_others_stay(self):
        model = compact_case.fresh()
        compact_case.train(model, epochs=1, run_eagerly=True)
        keras.utils.set_random_seed(8)
        expected = keras.layers.Dense(3)
        expected.build((None, 2))
        keras.utils.set_random_seed(8)
        compact_case.cut_closed(model)
        found = keras.layers.Dense(3)
        found.build((None, 2))
        self.assertAllEqual(found.kernel, expected.kernel)

    def test_old_layers_are_given_up(self):
        model = compact_case.fresh()
        compact_case.train(model, epochs=1, run_eagerly=True)
        olds = [weakref.ref(layer) for layer in model.layers]
        compact_case.cut_closed(model)
        gc.collect()
        self.assertEqual([ref() for ref in olds], [None] * len(olds))

    def test_evaluation_and_prediction_see_the_new_layers(self):
        model = compact_case.fresh()
        model.compile("sgd", "mse", jit_compile=False)
        x, y = compact_case.data(model)
        model.predict(x, verbose=0)
        model.evaluate(x, y, verbose=0)
        compact_case.cut_closed(model)
        for weight in model.trainable_weights:
            weight.assign(2 * weight)
        expected = model(x, training=False)
        # The same operations, once compiled, on batches of another size.
        self.assertAllClose(model.predict(x, verbose=0), expected, rtol=1e-5)
        loss = model.evaluate(x, y, verbose=0, return_dict=True)["data_loss"]
        error = np.mean(np.square(expected - y))
        self.assertAllClose(loss, error, rtol=1e-5)


class CostTest(test_util.TestCase):
    def test_fractions_are_those_of_the_dense_network(self):
        model = compact_case.fresh()
        compact_case.train(model, epochs=1, run_eagerly=True)
        cost_model = model.cost_model
        dense = cost_model.dense
        gates = cost_model.expected_gates()
        before = cost_model(gates)
        compact_case.cut_closed(model)
        self.assertIs(model.cost_model, cost_model)
        self.assertEqual(cost_model.dense, dense)
        after = cost_model(cost_model.expected_gates())
        self.assertAllClose(after.macs, before.macs, rtol=1e-6)
        self.assertAllClose(after.params, before.params, rtol=1e-6)

    def test_dense_network_is_remembered_in_files(self):
        model = compact_case.fresh()
        compact_case.train(model, 3, run_eagerly=True)
        dense = model.cost_model.dense
        path = os.path.join(self.create_tempdir(), "model.keras")
        model.save(path)
        loaded = keras.models.load_model(path)
        self.assertEqual(loaded.cost_model.dense, dense)
        self.assertEqual(loaded.gates_left, 0.5)

    def test_budget_is_met_after_a_cut(self):
        model = compact_case.fresh()
        dense = keras_l0.cost.count(model)
        budget = keras_l0.Budget(macs=0.3, start=0.0, fine_tune=0.4)
        model.set_budget(budget)
        control = model.budget_control
        compact_case.train(model, 6, epochs=5, run_eagerly=True)
        self.assertIs(model.budget_control, control)
        self.assertFalse(control.active)
        stripped = keras_l0.cost.count(keras_l0.strip_gates(model))
        self.assertBetween(stripped.macs / dense.macs, 0.2, 0.3)
        path = os.path.join(self.create_tempdir(), "model.keras")
        model.save(path)
        loaded = keras.models.load_model(path)
        self.assertEqual(loaded.budget_control.fractions, {"macs": 0.3})
        self.assertEqual(loaded.cost_model.dense, dense)


if __name__ == "__main__":
    absltest.main()
