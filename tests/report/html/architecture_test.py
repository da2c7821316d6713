"""Tests of the layers that are shown before and after."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.report.html import architecture
from keras_l0.report.html.architecture import LayerUnits
from tests import test_util
from tests.export import models


def network(names=("conv", "norm", "dense", "out"), units=(6, 9)):
    layers = [
        keras.layers.Conv2D(units[0], 3, name=names[0]),
        keras.layers.BatchNormalization(name=names[1]),
        keras.layers.Flatten(),
        keras.layers.Dense(units[1], name=names[2]),
        keras.layers.Dense(3, name=names[3]),
    ]
    return keras.Sequential([keras.Input((6, 6, 2)), *layers])


class LayersOfTest(test_util.TestCase):
    def test_layers_with_weights(self):
        self.assertEqual(
            architecture.layers_of("before", network()),
            [
                LayerUnits("conv", "Conv2D", 6, None, 3 * 3 * 2 * 6 + 6),
                LayerUnits("dense", "Dense", 9, None, 4 * 4 * 6 * 9 + 9),
                LayerUnits("out", "Dense", 3, None, 9 * 3 + 3),
            ],
        )

    def test_gates_are_left_out(self):
        gated = keras.Sequential(
            [
                keras.Input((4,)),
                keras_l0.L0Gate(keras.layers.Dense(5, name="inner")),
            ]
        )
        self.assertEqual(
            architecture.layers_of("before", gated),
            [LayerUnits("inner", "Dense", 5, None, 25)],
        )

    def test_nested_and_shared_layers(self):
        shared = keras.layers.Dense(4, name="shared")
        inner = keras.Sequential([keras.Input((4,)), shared], name="inner")
        x = keras.Input((4,))
        found = architecture.layers_of(
            "before", keras.Model(x, inner(inner(x)))
        )
        self.assertEqual(
            [(layer.name, layer.before) for layer in found],
            [("inner/shared", 4)],
        )

    def test_channels_first(self):
        model = keras.Sequential(
            [
                keras.Input((2, 6, 5)),
                keras.layers.Conv2D(7, 3, data_format="channels_first"),
            ]
        )
        (layer,) = architecture.layers_of("before", model)
        self.assertEqual(layer.before, 7)

    def test_mapping(self):
        self.assertEqual(
            architecture.layers_of("before", {"a": 3, "b": 0}),
            [LayerUnits("a", before=3), LayerUnits("b", before=0)],
        )

    @parameterized.parameters(
        ("model", TypeError, "`after` must be a `keras.Model` or a mapping"),
        ({"a": -1}, ValueError, r"`after\['a'\]` must be at least 0"),
        ({"a": "b"}, TypeError, r"`after\['a'\]` must be an integer"),
    )
    def test_other_things_raise(self, model, error, words):
        with self.assertRaisesRegex(error, words):
            architecture.layers_of("after", model)


class SideBySideTest(test_util.TestCase):
    def test_stripped_network(self):
        gated = models.gated_image_model()
        small = keras_l0.strip_gates(gated)
        rows = architecture.side_by_side(
            architecture.layers_of("before", gated),
            architecture.layers_of("after", small),
        )
        # Every third gate is closed.
        self.assertEqual([r.before for r in rows], [6, 9, 3])
        self.assertEqual([r.after for r in rows], [4, 6, 3])
        self.assertEqual(rows[1].params_before, 4 * 4 * 6 * 9 + 9)
        self.assertEqual(rows[1].params_after, 4 * 4 * 4 * 6 + 6)

    def test_gone_and_new(self):
        rows = architecture.side_by_side(
            [LayerUnits("a", "Dense", 3, None, 9), LayerUnits("b", before=2)],
            [LayerUnits("b", before=1), LayerUnits("c", "Dense", 4, None, 8)],
        )
        self.assertEqual(
            rows,
            [
                LayerUnits("a", "Dense", 3, 0, 9, 0),
                LayerUnits("b", "", 2, 1),
                LayerUnits("c", "Dense", None, 4, None, 8),
            ],
        )

    def test_weights_that_are_not_known_are_not_counted(self):
        rows = architecture.side_by_side(
            [LayerUnits("a", before=3)], [LayerUnits("b", before=1)]
        )
        self.assertEqual(rows[0], LayerUnits("a", "", 3, 0))

    def test_opened_models_keep_their_layers(self):
        rows = architecture.side_by_side(
            [LayerUnits("in/a", before=3)], [LayerUnits("in_a", before=2)]
        )
        self.assertEqual(rows, [LayerUnits("in/a", "", 3, 2)])

    def test_other_names_match_by_position(self):
        one = architecture.layers_of("before", network())
        # One name is in both networks, and means another layer.
        names = ("c", "n", "out", "o")
        other = architecture.layers_of("after", network(names, (4, 5)))
        rows = architecture.side_by_side(one, other)
        self.assertEqual([r.name for r in rows], ["conv", "dense", "out"])
        self.assertEqual([r.after for r in rows], [4, 5, 3])


if __name__ == "__main__":
    absltest.main()
