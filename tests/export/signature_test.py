"""Tests of names and structures of exported inputs and outputs."""

import keras
import numpy as np
from absl.testing import absltest

from keras_l0.export import signature
from keras_l0.internal import model_runner
from tests import test_util
from tests.export import models


def sequential():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


class SignatureTest(test_util.TestCase):
    def test_structure_of_sequential_is_a_tensor(self):
        model = sequential()
        self.assertIs(model_runner.input_structure(model), model.inputs[0])
        self.assertIs(signature.output_structure(model), model.outputs[0])

    def test_structure_of_dict(self):
        model = models.gated_two_input_model(as_dict=True)
        structure = model_runner.input_structure(model)
        self.assertEqual(sorted(structure), ["left", "right"])

    def test_output_names(self):
        for model, names in (
            (sequential(), ["output_0"]),
            (models.gated_two_input_model(), ["output_0", "output_1"]),
            (models.gated_two_input_model(True), ["narrow", "wide"]),
        ):
            self.assertEqual(signature.output_names(model), names)

    def test_names_of_outputs_follow_their_order(self):
        inputs = keras.Input((4,))
        outputs = {
            name: keras.layers.Dense(2)(inputs) for name in ("x_9", "x_10")
        }
        model = keras.Model(inputs, outputs)
        results = model(np.ones((1, 4)))
        expected = keras.tree.flatten(results)
        named = [results[name] for name in signature.output_names(model)]
        self.assertAllEqual(named, expected)

    def test_odd_input_names_become_plain_and_stay_different(self):
        names = ("a b", "a_b", "1.z", "ok")
        tensors = [keras.Input((4,), name=name) for name in names]
        model = keras.Model(tensors, keras.layers.Add()(tensors))
        plain = ["a_b", "a_b_1", "input_1_z", "ok"]
        self.assertEqual(signature.input_names(model), plain)
        renamed = signature.with_plain_names(model)
        self.assertEqual([tensor.name for tensor in renamed.inputs], plain)
        data = [np.full((1, 4), 10.0**power) for power in range(4)]
        self.assertAllEqual(renamed(data), np.full((1, 4), 1111.0))

    def test_plain_names_stay(self):
        model = models.gated_two_input_model()
        self.assertIs(signature.with_plain_names(model), model)

    def test_flat_inputs_take_a_list(self):
        model = models.gated_two_input_model(as_dict=True)
        left, right = np.ones((2, 4)), np.full((2, 2), 2.0)
        flat = signature.with_flat_inputs(model)
        self.assertIsInstance(flat.input, list)
        expected = model({"left": left, "right": right})
        self.assertAllEqual(flat([left, right])["wide"], expected["wide"])


if __name__ == "__main__":
    absltest.main()
