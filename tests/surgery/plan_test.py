"""Tests of plans: what a smaller model is made of, before it is built."""

import keras
import numpy as np
from absl.testing import absltest
from keras import layers

from keras_l0.graph import read_graph
from keras_l0.surgery.alignment import align
from keras_l0.surgery.analysis import analyze
from keras_l0.surgery.plan import make_plan
from tests.surgery.strip_test_case import StripTestCase


class PlanTest(StripTestCase):
    def plan(self, x, y):
        self.graph = align(read_graph(self.finish(x, y)))
        return make_plan(self.graph, analyze(self.graph))

    def steps(self, plan):
        return {
            call.node.name: step
            for call, step in zip(plan.calls, plan.steps, strict=True)
        }

    def test_calls_that_nobody_needs_are_left_out(self):
        x = keras.Input((2,), name="x")
        unused = keras.Input((2,), name="unused")
        dead = self.gate(layers.Dense(3, name="dead"), [0, 0, 0], name="gate")
        merged = layers.Add(name="sum")([dead(unused), layers.Dense(3)(x)])
        steps = self.steps(self.plan([x, unused], merged))
        self.assertNotIn("dead", steps)
        self.assertNotIn("gate", steps)
        self.assertIn("unused", steps)  # a model keeps its inputs
        self.assertIsNone(steps["sum"].config)

    def test_barrier_is_copied_on_whole_tensors(self):
        x = keras.Input((2,), name="x")
        gate = self.gate(layers.Dense(3, name="first"), [0, 1, 0.5])
        y = layers.Masking(name="barrier")(gate(x))
        step = self.steps(self.plan(x, y))["barrier"]
        adapter = step.adapters[0]
        self.assertAllEqual(adapter.positions, [-1, 0, 1])
        self.assertAllClose(adapter.scale, [1.0, 1.0, 0.5], rtol=1e-6)
        self.assertIsNone(step.weights)
        self.assertEqual(step.config, {})
        self.assertIsNone(step.layer_class)
        self.assertEqual(step.selections[0].width, 3)

    def test_steps_name_the_class_that_the_rule_is_written_for(self):
        class Own(layers.Dense):
            pass

        x = keras.Input((2,), name="x")
        y = layers.Masking(name="barrier")(Own(3, name="own")(x))
        steps = self.steps(self.plan(x, y))
        self.assertIs(steps["own"].layer_class, layers.Dense)
        self.assertIsNone(steps["barrier"].layer_class)

    def test_outputs_are_whole_and_structured(self):
        x = keras.Input((2,), name="x")
        gate = self.gate(layers.Dense(3, name="first"), [0, 1, 0.5])
        y = gate(x)
        plan = self.plan(x, {"a": y, "b": [y]})
        self.assertEqual(list(plan.outputs), ["a", "b"])
        for output in keras.tree.flatten(plan.outputs):
            self.assertAllEqual(output.adapter.positions, [-1, 0, 1])

    def test_arrays_only(self):
        x = keras.Input((2,), name="x")
        plan = self.plan(x, layers.Dense(3, name="first")(x))
        weights = self.steps(plan)["first"].weights
        for value in weights.values():
            self.assertIsInstance(value, np.ndarray)


if __name__ == "__main__":
    absltest.main()
