"""Tests for L0Model; its estimated gradients are in estimators_test.py."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from keras_l0 import gates
from tests import test_util
from tests.training import gradient_case

FAMILIES = ("hard_concrete", "arm", "diff_prune", "straight_through")
SCHEDULE = keras.optimizers.schedules.PiecewiseConstantDecay


def data(examples=16):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(examples, 3)).astype("float32")
    return x, x[:, :1]


def gated(units=4, gate="arm", **kwargs):
    return keras_l0.L0Gate(layers.Dense(units, "relu"), gate, **kwargs)


def functional(*hidden):
    inputs = keras.Input((3,))
    x = inputs
    for layer in hidden:
        x = layer(x)
    return keras_l0.L0Model(inputs, layers.Dense(1)(x))


class Subclassed(keras_l0.L0Model):
    def __init__(self, gate):
        super().__init__()
        self.hidden = gated(gate=gate, l0=0.01)
        self.top = gated(2, gate=gate, l0=0.01)

    def call(self, inputs):
        return self.top(self.hidden(inputs))


class ConstructionTest(test_util.TestCase):
    def test_from_model_shares_the_layers(self):
        model = keras.Sequential([keras.Input((3,)), gated(), layers.Dense(1)])
        other = keras_l0.L0Model.from_model(model)
        self.assertIs(other.layers[1], model.layers[0])
        self.assertAllEqual(other(data()[0]), model(data()[0]))
        functional_model = keras.Model(other.inputs[0], other.outputs[0])
        again = keras_l0.L0Model.from_model(functional_model)
        self.assertAllEqual(again(data()[0]), model(data()[0]))

    @parameterized.parameters((3, TypeError), (keras.Sequential(), ValueError))
    def test_from_model_refuses_what_is_no_graph(self, model, error):
        with self.assertRaisesRegex(error, "Received: model="):
            keras_l0.L0Model.from_model(model)

    @parameterized.parameters(*FAMILIES, "dependent")
    def test_subclass_trains(self, gate):
        model = Subclassed(gate)
        model.compile("adam", "mse")
        history = model.fit(*data(), epochs=2, verbose=0).history
        self.assertTrue(np.all(np.isfinite(history["loss"])))
        if gate == "dependent":
            self.assertLen(model.gate_chain.kernels, 2)

    def test_plain_model_names_the_fix(self):
        for gate in ("arm", "dependent"):
            model = keras.Sequential([keras.Input((3,)), gated(gate=gate)])
            model.compile("adam", "mse")
            with self.assertRaisesRegex(
                RuntimeError, "(?s)plain Keras model.*`L0Model.from_model"
            ):
                model.fit(*data(), verbose=0)
        with self.assertRaisesRegex(
            RuntimeError, "(?s)no chain.*`L0Model.from_model"
        ):
            model.predict(data()[0], verbose=0)

    def test_model_without_gates_says_so(self):
        model = functional()
        model.compile("adam", "mse")
        with self.assertRaisesRegex(ValueError, "has no gates"):
            model.fit(*data(), verbose=0)

    def test_dependent_gates_belong_to_one_model(self):
        hidden = gated(gate="dependent")
        functional(hidden)
        with self.assertRaisesRegex(ValueError, "chain of another model"):
            functional(hidden)

    def test_compile_takes_one_gate_optimizer(self):
        model = functional(gated())
        both = keras_l0.training.GatedOptimizer("sgd", "sgd")
        with self.assertRaisesRegex(ValueError, "has a gate optimizer"):
            model.compile(both, "mse", gate_optimizer="adam")
        with self.assertRaisesRegex(TypeError, "gate_optimizer=3"):
            model.compile("sgd", "mse", gate_optimizer=3)


class TotalGradientTest(test_util.TestCase):
    def test_gradient_of_loss_and_penalty_is_normalized_as_one(self):
        gate = gates.StraightThrough(order="total", norm="l2", clamp=9.0)
        hidden = gated(gate=gate, l0=0.05)
        model = functional(hidden)
        model.compile("sgd", "mse", gate_optimizer=keras.optimizers.SGD(1.0))
        x, y = data()
        kernel, bias = (w.numpy() for w in hidden.layer.weights)
        top = [w.numpy() for w in model.layers[-1].weights]
        before = hidden.gate_vector.logits.numpy()
        model.train_on_batch(x, y)
        moved = before - hidden.gate_vector.logits.numpy()
        # All gates are open: z = 1, and one gate stands for 4 weights.
        units = np.maximum(x @ kernel + bias, 0)
        error = units @ top[0] + top[1] - y
        total = 2 * np.mean(error * units * top[0][:, 0], axis=0) + 0.05 * 4
        # float32: sums of 16 products, a few ulps each
        self.assertAllClose(moved, total / np.linalg.norm(total), rtol=1e-5)


class StepTest(test_util.TestCase):
    def test_loss_is_data_loss_and_penalty(self):
        model = gradient_case.network(gates.HardConcrete())
        x, y = data()
        logs = model.train_on_batch(x, y, return_dict=True)
        prob = 1 / (1 + np.exp(-np.concatenate(gradient_case.LOGITS) - 1.5986))
        penalty = 0.01 * np.sum(np.repeat(gradient_case.SIZES, [4, 3]) * prob)
        self.assertAllClose(logs["penalty"], penalty, rtol=1e-4)
        self.assertAllClose(
            logs["loss"], logs["data_loss"] + logs["penalty"], rtol=1e-6
        )
        gradient_case.set_logits(model)
        tested = model.evaluate(x, y, verbose=0, return_dict=True)
        self.assertAllClose(tested["penalty"], penalty, rtol=1e-4)
        expected = np.mean((model.predict(x, verbose=0) - y) ** 2)
        self.assertAllClose(tested["data_loss"], expected, rtol=1e-5)

    def test_open_gates_is_what_inference_keeps(self):
        model = functional(gated(gate="straight_through"))
        model.compile("sgd", "mse")
        vector = gradient_case.vectors(model)[0]
        vector.logits.assign([1.0, -1.0, -1.0, -1.0])
        logs = model.evaluate(*data(), verbose=0, return_dict=True)
        self.assertEqual(logs["open_gates"], 0.25)

    def test_pathwise_gradient_is_that_of_the_gates_drawn(self):
        model = gradient_case.network(gates.HardConcrete())
        x, y = data()
        for vector in gradient_case.vectors(model):
            vector.logits.assign(vector.logits + 20.0)  # surely 1
        before = [v.logits.numpy() for v in gradient_case.vectors(model)]
        model.train_on_batch(x, y)
        for vector, logits in zip(
            gradient_case.vectors(model), before, strict=True
        ):
            self.assertAllClose(vector.logits, np.minimum(logits, np.log(100)))

    @parameterized.parameters("arm", "hard_concrete")
    def test_state_advances_once_per_step(self, gate):
        norm, drop = layers.BatchNormalization(), layers.Dropout(0.5)
        model = functional(layers.Dense(3), norm, drop, gated(gate=gate))
        model.compile("sgd", "mse")
        x, y = data()
        outputs = model.layers[1](x).numpy()
        seeds = drop.seed_generator.state.numpy()
        model.train_on_batch(x, y)
        self.assertAllClose(norm.moving_mean, 0.01 * outputs.mean(0), atol=1e-6)
        after = drop.seed_generator.state.numpy()
        self.assertEqual(after[1] - seeds[1], 1)

    def test_seed_reproduces_a_run(self):
        runs = []
        for _ in range(2):
            keras.utils.set_random_seed(4)
            model = functional(gated(l0=0.01), gated(2))
            model.compile("adam", "mse")
            runs.append(model.fit(*data(), verbose=0, epochs=2).history)
        self.assertEqual(runs[0], runs[1])

    def test_loss_scale_leaves_normalized_gradients_alone(self):
        keras.config.set_dtype_policy("mixed_float16")
        gate = gates.StraightThrough(initial=0.5)
        model = functional(gated(gate=gate))
        model.compile(
            keras.optimizers.SGD(0.0),
            "mse",
            gate_optimizer=keras.optimizers.SGD(0.1),
        )
        model.train_on_batch(*data())
        moved = gradient_case.vectors(model)[0].logits.numpy() - 0.5
        # The gradient has norm 1; it is computed in half precision.
        self.assertAllClose(np.linalg.norm(moved), 0.1, rtol=2**-9)


class ControlTest(test_util.TestCase):
    def test_schedules_move_every_step(self):
        gate = gates.HardConcrete(temperature=SCHEDULE([1], [0.5, 0.25]))
        model = functional(gated(gate=gate, l0=SCHEDULE([1], [0.0, 0.1])))
        model.compile("sgd", "mse")
        layer = model.layers[1]
        seen = []
        for _ in range(3):
            model.train_on_batch(*data())
            temperature = layer.gate_vector.present_gate.temperature
            seen.append((float(temperature), float(layer.l0)))
        self.assertAllClose(seen, [(0.5, 0.0), (0.5, 0.0), (0.25, 0.1)])

    def test_schedule_needs_the_model(self):
        layer = gated(gate="hard_concrete", l0=SCHEDULE([1], [0.0, 0.1]))
        model = keras.Sequential([keras.Input((3,)), layer])
        model.compile("sgd", "mse")
        with self.assertRaisesRegex(RuntimeError, "schedule of `l0`"):
            model.fit(*data(), verbose=0)

    def test_frozen_gates_stay_and_cost_nothing(self):
        model = functional(gated(gate="hard_concrete", l0=0.01))
        model.compile("sgd", "mse", gate_optimizer="sgd")
        model.fit(*data(), verbose=0)
        model.freeze_gates()
        logits = gradient_case.vectors(model)[0].logits.numpy()
        x, y = data()
        expected = np.mean((model(x) - y) ** 2)
        logs = model.train_on_batch(x, y, return_dict=True)
        self.assertAllClose(logs["data_loss"], expected, rtol=1e-5)
        self.assertEqual(logs["penalty"], 0.0)
        vector = gradient_case.vectors(model)[0]
        self.assertAllEqual(vector.logits, logits)
        model.freeze_gates(False)
        model.train_on_batch(x, y)
        self.assertNotAllEqual(vector.logits, logits)

    def test_frozen_chain_stays(self):
        model = functional(gated(gate="dependent"), gated(3, "dependent"))
        model.compile("sgd", "mse", gate_optimizer="sgd")
        vector = gradient_case.vectors(model)[1]
        for frozen in (True, False):
            model.freeze_gates(frozen)
            before = vector.effective_logits().numpy()
            model.train_on_batch(*data())
            same = np.array_equal(before, vector.effective_logits())
            self.assertEqual(same, frozen)

    def test_schedule_of_a_family_needs_the_model(self):
        gate = gates.HardConcrete(temperature=SCHEDULE([1], [0.5, 0.25]))
        model = keras.Sequential([keras.Input((3,)), gated(gate=gate)])
        model.compile("sgd", "mse")
        with self.assertRaisesRegex(RuntimeError, "schedules of HardConcrete"):
            model.fit(*data(), verbose=0)

    def test_averages_are_swapped_in_and_out(self):
        model = functional(gated(gate="hard_concrete"))
        model.compile(keras.optimizers.SGD(0.1, use_ema=True), "mse")
        swap = keras.callbacks.SwapEMAWeights()
        for _ in range(3):  # `fit` would end with the averages.
            model.train_on_batch(*data())
        raw = [w.numpy() for w in model.trainable_variables]
        swapped = model.evaluate(*data(), verbose=0, callbacks=[swap])
        self.assertNotEqual(swapped, model.evaluate(*data(), verbose=0))
        for variable, value in zip(model.trainable_variables, raw, strict=True):
            # The swap adds and subtracts in float32.
            self.assertAllClose(variable, value, atol=1e-6)

    def test_strip_takes_the_trained_model(self):
        model = functional(
            gated(gate="dependent"), gated(3, "straight_through")
        )
        gradient_case.vectors(model)[1].logits.assign([1.0, -1.0, 1.0])
        small = keras_l0.strip_gates(model)
        self.assertEqual(small.layers[2].units, 2)
        x = data()[0]
        self.assertAllClose(small(x), model(x), rtol=1e-5, atol=1e-5)


if __name__ == "__main__":
    absltest.main()
