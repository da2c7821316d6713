"""Tests of what the page says of gates."""

import keras
from absl.testing import absltest

import keras_l0
from keras_l0.report.html import gates
from tests import test_util
from tests.report.html import pages


def read(markup):
    return pages.read("".join(markup))


class GatesTest(test_util.TestCase):
    def test_counts(self):
        gated = keras_l0.L0Gate(keras.layers.Dense(5), name="hidden")
        model = keras.Sequential([keras.Input((2,)), gated])
        # In inference: 0, 0, 0.5, 0.5 and 1.
        gated.gate_vector.logits.assign([-4.0, -4.0, 0.0, 0.0, 4.0])
        probs = gated.gate_vector.prob_nonzero().numpy().sum()
        vectors = keras_l0.layers.gate_vectors(model)
        (item,) = read(gates.gates(vectors)).all("li")
        self.assertStartsWith(item.text, "hidden 3 of 5 open")
        told = (
            "2 closed, 2 between, 1 at 1. Expected while training: "
            f"{probs:.1f} open."
        )
        self.assertEndsWith(item.text, told)
        self.assertEqual(item.all("i")[0].attributes["style"], "width:60.0%")
        (svg,) = item.all("svg")
        self.assertIn(told, svg.attributes["aria-label"])
        bars = svg.all("rect")
        x = [float(bar.attributes["x"]) for bar in bars]
        heights = [float(bar.attributes["height"]) for bar in bars]
        # The first of 12 bars, the one from 0.5 to 0.6, and the last.
        self.assertAllClose(x, [1, 6 * 25 + 1, 11 * 25 + 1])
        self.assertAllClose(heights, [70, 70, 35])


if __name__ == "__main__":
    absltest.main()
