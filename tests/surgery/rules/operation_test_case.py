"""Strips models with an operation of `keras.ops` between gated layers."""

import keras
from keras import layers

from tests.surgery.strip_test_case import StripTestCase

GATES = (0, 1, 0.5, 0, 1, 0)


class OperationTestCase(StripTestCase):
    """Base class."""

    def gated(self, x, activation="softplus", gates=GATES):
        dense = layers.Dense(len(gates), activation=activation)
        return self.gate(dense, list(gates))(x)

    def strips(self, function, shape=(4, 5), barriers=()):
        """Checks the model with `function` behind gates; its parameters."""
        x = keras.Input(shape)
        y = function(self.gated(x))
        heads = [layers.Dense(2)(t) for t in keras.tree.flatten(y)]
        small, report = self.strip(self.finish(x, heads))
        self.assertEqual([b.reason for b in report.barriers], list(barriers))
        if not barriers:
            self.assertLess(report.params_after, report.params_before)
        return small

    def first_dense(self, small):
        return next(la for la in small.layers if la.weights).units

    def strips_somehow(self, function, shape=(4, 5)):
        """Checks the function only."""
        x = keras.Input(shape)
        y = function(self.gated(x))
        self.strip(self.finish(x, layers.Dense(2)(y)))
