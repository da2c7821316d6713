"""Tests for what units meet on their way."""

import keras
from absl.testing import absltest
from keras import layers

from keras_l0.gating.channel_flow import ChannelFlow
from keras_l0.graph import read_graph
from tests import test_util
from tests.gating.models import residual


class ChannelFlowTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.flow = ChannelFlow(read_graph(residual()))
        self.nodes = {node.name: node for node in self.flow.graph.nodes}

    def end(self, name):
        return self.flow.end_of_group(self.nodes[name]).name

    def test_groups_end_behind_the_last_activation(self):
        self.assertEqual(self.end("first_0"), "relu_0")
        self.assertEqual(self.end("second_0"), "out_0")
        self.assertEqual(self.end("expand"), "expand_relu")  # depthwise between
        self.assertEqual(self.end("head"), "head")  # pooling is no end

    def test_group_ends_where_somebody_else_reads(self):
        x = keras.Input((4,))
        y = layers.Dense(3, name="made")(x)
        model = keras.Model(x, layers.Dense(2)(layers.ReLU()(y) + y))
        flow = ChannelFlow(read_graph(model))
        (made,) = [n for n in flow.graph.nodes if n.name == "made"]
        self.assertIs(flow.end_of_group(made), made)

    def test_depthwise_that_multiplies_channels_ends_a_group(self):
        x = keras.Input((4, 4, 3))
        y = layers.Conv2D(3, 1, name="made")(x)
        y = layers.ReLU()(layers.DepthwiseConv2D(3, depth_multiplier=2)(y))
        flow = ChannelFlow(read_graph(keras.Model(x, layers.Conv2D(2, 1)(y))))
        (made,) = [n for n in flow.graph.nodes if n.name == "made"]
        self.assertIs(flow.end_of_group(made), made)

    def test_what_units_meet(self):
        reached = self.flow.reached(self.nodes["relu_0"])
        self.assertFalse(reached.outputs or reached.sums or reached.scales)
        self.assertLen(self.flow.reached(self.nodes["stem_relu"]).sums, 2)
        self.assertTrue(self.flow.reached(self.nodes["excite"]).scales)
        self.assertTrue(self.flow.reached(self.nodes["top"]).outputs)
        self.assertTrue(self.flow.reached(self.nodes["stem"]).normalized)

    def test_streams_that_meet_are_one(self):
        writers = [self.nodes[n] for n in ("stem_relu", "out_0", "out_1")]
        ((names, fits),) = self.flow.streams(writers)
        self.assertCountEqual(names, ["stem_relu", "out_0", "out_1"])
        self.assertTrue(fits)
        ((_, fits),) = self.flow.streams(writers[1:])
        self.assertFalse(fits)  # the stem writes it too

    def test_layers_with_units(self):
        makers = [n.name for n in self.flow.graph.nodes]
        makers = [n for n in makers if self.flow.makes_units(self.nodes[n])]
        self.assertIn("top", makers)
        self.assertNotIn("relu_0", makers)


if __name__ == "__main__":
    absltest.main()
