"""Tests of the expected cost in the logs."""

import keras
import numpy as np
from absl.testing import absltest
from keras import layers

import keras_l0
from keras_l0.training.cost_logs import CostLogs
from tests import test_util
from tests.budget import models

X = np.ones((8, 3), "float32")


class CostLogsTest(test_util.TestCase):
    def test_fractions_of_the_dense_network(self):
        model = models.gated(models.mlp)
        first, second = keras_l0.layers.gate_vectors(model).values()
        first.logits.assign([50.0] * 2 + [-50.0] * 3)
        second.logits.assign([50.0] + [-50.0] * 3)
        logs = {"loss": 0.5}
        CostLogs(keras_l0.budget.CostModel(model)).on_epoch_end(0, logs)
        # 3-2-1-1 of 3-5-4-1.
        self.assertAllClose(
            logs, {"loss": 0.5, "params": 13 / 49, "macs": 9 / 39}
        )
        self.assertIsInstance(logs["macs"], float)

    def test_without_logs_nothing_happens(self):
        model = models.gated(models.mlp)
        CostLogs(keras_l0.budget.CostModel(model)).on_epoch_end(0)

    def test_network_without_multiplications(self):
        gated = keras_l0.L0Gate(layers.BatchNormalization())
        model = keras.Sequential([keras.Input((3,)), gated])
        logs = {}
        CostLogs(keras_l0.budget.CostModel(model)).on_epoch_end(0, logs)
        self.assertEqual(set(logs), {"params"})

    def test_graphs_have_it_in_their_history(self):
        model = models.gated(models.mlp, l0=1e-3)
        model.compile("sgd", "mse")
        history = model.fit(X, X[:, :1], epochs=2, verbose=0).history
        for name in ("params", "macs"):
            self.assertLen(history[name], 2)
            self.assertBetween(history[name][-1], 0.5, 1.0)

    def test_other_callbacks_see_it(self):
        model = models.gated(models.mlp)
        model.compile("sgd", "mse")
        stop = keras.callbacks.EarlyStopping("macs", baseline=0.0, mode="min")
        model.fit(X, X[:, :1], epochs=3, verbose=0, callbacks=[stop])
        self.assertEqual(stop.stopped_epoch, 1)

    def test_callbacks_may_be_given_by_position(self):
        model = models.gated(models.mlp)
        model.compile("sgd", "mse")
        seen = keras.callbacks.History()
        history = model.fit(X, X[:, :1], 4, 2, 0, [seen]).history
        self.assertLen(history["macs"], 2)
        self.assertEqual(seen.history, history)

    def test_subclassed_models_have_not(self):
        class Own(keras_l0.L0Model):
            def __init__(self):
                super().__init__()
                self.hidden = keras_l0.L0Gate(layers.Dense(2))

            def call(self, inputs):
                return self.hidden(inputs)

        model = Own()
        model.compile("sgd", "mse")
        history = model.fit(X, X[:, :2], verbose=0).history
        self.assertContainsSubset({"loss", "open_gates"}, history)
        self.assertNoCommonElements({"params", "macs"}, history)


if __name__ == "__main__":
    absltest.main()
