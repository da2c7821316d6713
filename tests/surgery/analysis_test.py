"""Tests of the two passes: what is constant, what is needed."""

import keras
import numpy as np
from absl.testing import absltest
from keras import layers

from keras_l0.graph import read_graph
from keras_l0.surgery.alignment import align
from keras_l0.surgery.analysis import analyze
from tests.surgery.strip_test_case import StripTestCase


class AnalysisTest(StripTestCase):
    def analyze(self, model):
        aligned = align(read_graph(model))
        analysis = analyze(aligned)
        self.tensors = {c.node.name: c.node.outputs[0] for c in aligned.calls}
        return analysis

    def known(self, analysis, name):
        return analysis.channels[self.tensors[name]].known

    def kept(self, analysis, name):
        return analysis.kept[self.tensors[name]]

    def test_closed_gates_make_constants_downstream(self):
        x = keras.Input((2,), name="x")
        gate = self.gate(layers.Dense(3, name="first"), [0, 1, 0], name="gate")
        y = layers.Activation("sigmoid", name="sigmoid")(gate(x))
        model = self.finish(x, layers.Dense(2, name="last")(y))
        analysis = self.analyze(model)
        for name in ("gate", "sigmoid"):
            self.assertAllEqual(self.known(analysis, name), [True, False, True])
        channels = analysis.channels[self.tensors["sigmoid"]]
        self.assertAllEqual(channels.value, [0.5, 0.0, 0.5])
        for name in ("first", "gate", "sigmoid"):
            self.assertAllEqual(self.kept(analysis, name), [False, True, False])
        self.assertAllEqual(self.kept(analysis, "last"), [True, True])

    def test_model_outputs_and_inputs_are_whole(self):
        x = keras.Input((3,), name="x")
        gate = self.gate(layers.Dense(2, name="first"), [0, 1], name="gate")
        model = self.finish(x, gate(x))
        model.get_layer("gate").layer.kernel.assign([[0, 0], [1, 1], [0, 0]])
        analysis = self.analyze(model)
        # The closed channel is put in behind the gate.
        self.assertAllEqual(self.kept(analysis, "first"), [False, True])
        self.assertAllEqual(self.kept(analysis, "x"), [True] * 3)

    def test_input_that_no_kernel_sees_is_not_needed(self):
        x = keras.Input((2,), name="x")
        first = layers.Dense(3, name="first")
        last = layers.Dense(1, name="last")
        model = self.finish(x, last(first(x)))
        last.kernel.assign([[1.0], [0.0], [2.0]])
        analysis = self.analyze(model)
        self.assertAllEqual(self.kept(analysis, "first"), [True, False, True])

    def test_needs_of_several_consumers_add_up(self):
        x = keras.Input((2,), name="x")
        y = layers.Dense(4, name="first")(x)
        gates = [[1, 0, 0, 0], [0, 0, 1, 0]]
        ends = []
        for i, gate in enumerate(gates):
            gated = self.gate(layers.ReLU(name=f"relu{i}"), gate)(y)
            ends.append(layers.Dense(1)(gated))
        analysis = self.analyze(self.finish(x, ends))
        self.assertAllEqual(
            self.kept(analysis, "first"), [True, False, True, False]
        )
        self.assertAllEqual(
            self.kept(analysis, "relu0"), np.array(gates[0]) > 0
        )

    def test_barrier_needs_all(self):
        x = keras.Input((2,), name="x")
        gate = self.gate(layers.Dense(3, name="first"), [0, 1, 1], name="gate")
        y = layers.LayerNormalization(name="barrier")(gate(x))
        analysis = self.analyze(self.finish(x, y))
        # All but the constant, which is put in.
        self.assertAllEqual(self.kept(analysis, "first"), [False, True, True])
        self.assertAllEqual(self.kept(analysis, "barrier"), [True] * 3)
        self.assertFalse(self.known(analysis, "barrier").any())

    def test_branch_that_leads_nowhere_is_not_kept(self):
        x = keras.Input((2,), name="x")
        dead = self.gate(layers.Dense(3, name="dead"), [0, 0, 0], name="gate")
        y = layers.LayerNormalization(name="barrier")(dead(x))
        closed = self.gate(layers.Identity(), [0, 0, 0], name="closed")
        merged = layers.Add(name="sum")([closed(y), layers.Dense(3)(x)])
        analysis = self.analyze(self.finish(x, merged))
        for name in ("dead", "gate", "barrier", "closed"):
            self.assertFalse(self.kept(analysis, name).any(), name)
        self.assertAllEqual(self.kept(analysis, "sum"), [True] * 3)


if __name__ == "__main__":
    absltest.main()
