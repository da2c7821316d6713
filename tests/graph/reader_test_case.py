"""What the tests of the reader share."""

from keras_l0.graph import read_graph
from tests.surgery.strip_test_case import StripTestCase


class ReaderTestCase(StripTestCase):
    def read(self, x, y):
        self.model = self.finish(x, y)
        return read_graph(self.model)

    def names(self, graph):
        return [node.name for node in graph.nodes]

    def node(self, graph, name):
        return next(node for node in graph.nodes if node.name == name)

    def assert_connected(self, graph):
        """Every tensor is made once, before it is read."""
        made = []
        for node in graph.nodes:
            self.assertContainsSubset(node.inputs, made)
            made += node.outputs
        self.assertLen(set(made), len(made))
        self.assertContainsSubset(graph.output_tensors(), made)
        self.assertContainsSubset(made, graph.specs)
