"""Tests of what is saved beside weights and optimizers."""

import keras
import numpy as np
from absl.testing import absltest
from keras import layers

from keras_l0.training.training_state import TrainingState
from tests import test_util


class Counter(keras.callbacks.Callback):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def get_training_state(self):
        return {"count": self.count}

    def set_training_state(self, state):
        self.count = state["count"]


def network(rate=0.5):
    x = keras.Input((2,))
    h = layers.GaussianNoise(1.0)(layers.Dropout(rate)(x))
    return keras.Model(x, h)


def saved(model, callbacks):
    state, store = TrainingState(lambda: model), {}
    state.begin(callbacks)
    state.save(store)
    return store


class TrainingStateTest(test_util.TestCase):
    def test_random_numbers_go_on(self):
        first, second = network(), network()
        first(np.ones((1, 2)), training=True)
        store = saved(first, [])
        self.assertEqual({*store}, {"seeds"})
        TrainingState(lambda: second).load(store)
        x = np.ones((50, 2))
        self.assertAllEqual(first(x, training=True), second(x, training=True))

    def test_callbacks_go_on_in_their_order(self):
        model = network()
        plain = keras.callbacks.Callback()
        store = saved(model, [Counter(1), plain, Counter(2)])
        state = TrainingState(lambda: model)
        state.load(store)
        counters = [Counter(8), Counter(9), Counter(10)]
        state.begin([counters[0], plain, *counters[1:]])
        state.hand_out()
        self.assertEqual([c.count for c in counters], [1, 2, 10])
        # Once: a later training begins anew.
        later = Counter(7)
        state.begin([later])
        state.hand_out()
        self.assertEqual(later.count, 7)

    def test_states_that_nobody_claimed_are_kept(self):
        model = network()
        state = TrainingState(lambda: model)
        state.load(saved(model, [Counter(1)]))
        store = {}
        state.save(store)
        again = TrainingState(lambda: model)
        again.load(store)
        counter = Counter(5)
        again.begin([counter])
        again.hand_out()
        self.assertEqual(counter.count, 1)
        state.forget("Counter")
        state.begin([counter])
        counter.count = 6
        state.hand_out()
        self.assertEqual(counter.count, 6)

    def test_metrics_go_on(self):
        model = network()
        model.compile(metrics=["mae"], loss="mse")
        x = np.ones((4, 2))
        model.evaluate(x, x + 1, verbose=0)
        values = [v.numpy() for v in model.metrics_variables]
        store = saved(model, [Counter(1)])
        model.reset_metrics()
        state = TrainingState(lambda: model)
        state.load(store)
        state.restore_metrics()
        for variable, value in zip(
            model.metrics_variables, values, strict=True
        ):
            self.assertAllEqual(variable, value)
        # Nothing is left to restore, and other metrics are left alone.
        model.reset_metrics()
        state.restore_metrics()
        self.assertAllEqual(model.metrics_variables[0], 0.0)
        store["metrics"] = np.ones(1)
        state.load(store)
        state.restore_metrics()
        self.assertAllEqual(model.metrics_variables[0], 0.0)

    def test_file_that_knows_nothing(self):
        model = network()
        before = [v.numpy() for v in model.variables]
        TrainingState(lambda: model).load({})
        for variable, value in zip(model.variables, before, strict=True):
            self.assertAllEqual(variable, value)


if __name__ == "__main__":
    absltest.main()
