"""Tests for graphs that are deeper than Python's stack."""

import sys

import keras
from absl.testing import absltest

from keras_l0.internal.deep_graphs import deep_graphs
from tests import test_util


class DeepGraphsTest(test_util.TestCase):
    def test_limit_is_put_back(self):
        before = sys.getrecursionlimit()
        with self.assertRaises(KeyError), deep_graphs(5000):
            self.assertGreater(sys.getrecursionlimit(), 5000)
            raise KeyError
        self.assertEqual(sys.getrecursionlimit(), before)

    def test_higher_limit_stays(self):
        before = sys.getrecursionlimit()
        with deep_graphs(10):
            self.assertGreaterEqual(sys.getrecursionlimit(), before)

    def test_chain_of_layers(self):
        x = y = keras.Input((2,))
        for _ in range(1100):
            y = keras.layers.Activation("relu")(y)
        self.addCleanup(sys.setrecursionlimit, sys.getrecursionlimit())
        sys.setrecursionlimit(1000)  # Python's own
        with self.assertRaises(RecursionError):
            keras.Model(x, y)
        with deep_graphs(1100):
            self.assertLen(keras.Model(x, y).layers, 1101)


if __name__ == "__main__":
    absltest.main()
