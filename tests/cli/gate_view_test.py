"""Tests of what `inspect` shows of gates."""

import keras
import numpy as np
from absl.testing import absltest

import keras_l0
from keras_l0.cli import gate_view
from tests import test_util
from tests.export import models


class TextTableTest(absltest.TestCase):
    def test_texts_lie_to_the_left(self):
        rows = [("a", "bb", "1"), ("aaa", "b", "10")]
        self.assertEqual(
            gate_view.text_table(rows, 2), ["a    bb   1", "aaa  b   10"]
        )


class GatedTest(test_util.TestCase):
    def test_open_gates(self):
        model = models.gated_image_model()
        found = gate_view.gated(model)
        self.assertEqual(
            [list(row.values())[1:] for row in found.document["gates"]],
            [["HardConcrete", 6, 4], ["HardConcrete", 9, 6]],
        )
        self.assertRegex(found.text, r"(?m)^l0_gate\S* +HardConcrete +4 +6$")
        self.assertRegex(found.text, "Stripping would give:")

    def test_barriers(self):
        inputs = keras.Input((4,))
        gated = keras_l0.L0Gate(keras.layers.Dense(6), name="gated")
        x = keras.layers.UnitNormalization(name="wall")(gated(inputs))
        model = keras.Model(inputs, keras.layers.Dense(2)(x))
        found = gate_view.gated(model)
        for barrier in found.document["strip"]["barriers"]:
            self.assertIn(barrier["name"], found.text)
            self.assertRegex(found.text, "left whole: ")

    def test_what_cannot_be_stripped_is_shown(self):
        model = models.gated_image_model()
        for vector in keras_l0.layers.gate_vectors(model).values():
            vector.logits.assign(np.full(vector.num_gates, -9.0))
        found = gate_view.gated(model)
        refused = found.document["strip"]["refused"]
        self.assertIn(f"Stripping is refused: {refused}", found.text)
        self.assertEqual([g["open"] for g in found.document["gates"]], [0, 0])


class UngatedTest(test_util.TestCase):
    def test_sites(self):
        inputs = keras.Input((4,))
        x = keras.layers.Dense(8, name="stem")(inputs)
        x = keras.layers.ReLU(name="relu")(x)
        x = keras.layers.Add()([x, keras.layers.Dense(8, name="branch")(x)])
        x = keras.layers.Dense(6, name="hidden")(x)
        model = keras.Model(inputs, keras.layers.Dense(2, name="top")(x))
        found = gate_view.ungated(model)
        self.assertEqual(
            {s["path"]: s["reason"] for s in found.document["sites"]},
            {
                "stem": "STREAM",
                "branch": "STREAM",
                "hidden": None,
                "top": "OUTPUT",
            },
        )
        self.assertRegex(found.text, r"(?m)^hidden +Dense +hidden +6$")
        self.assertRegex(
            found.text, r"(?m)^top +Dense +- +2  its units are outputs"
        )
        self.assertRegex(found.text, "can gate 1 of 4 layers")


if __name__ == "__main__":
    absltest.main()
