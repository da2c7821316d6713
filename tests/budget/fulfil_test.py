"""Tests of setting the gates so that a network is in its budget."""

from unittest import mock

import numpy as np
from absl import logging
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.budget import fulfil as fulfil_module
from keras_l0.budget.control import BudgetControl
from keras_l0.budget.fulfil import fulfil
from tests import test_util
from tests.budget import models


def spread(model, seed=0):
    """Gives the gates logits of all kinds."""
    rng = np.random.default_rng(seed)
    for vector in keras_l0.layers.gate_vectors(model).values():
        vector.logits.assign(rng.normal(size=vector.num_gates) * 2)


def bound(model, **options):
    budget = keras_l0.Budget(**options)
    return BudgetControl(budget, keras_l0.budget.CostModel(model))


class FulfilTest(test_util.TestCase):
    @parameterized.parameters(
        ("lenet", {"macs": 0.4}),
        ("streams", {"params": 0.5}),
        ("inception", {"macs": 0.5, "bytes": 0.45}),
        ("transformer", {"params": 0.6}),
        ("shared", {"macs": 0.5, "round_to": 2}),
    )
    def test_stripped_network_is_in_the_budget(self, name, options):
        model = models.FAMILIES[name]()
        spread(model)
        control = bound(model, **options)
        reached = fulfil(model, control)
        counted = models.stripped_cost(model)
        for kind, limit in control.fractions.items():
            share = getattr(counted, kind) / getattr(
                control.cost_model.dense, kind
            )
            self.assertAllClose(reached[kind], share)
            self.assertLessEqual(share, limit)
        self.assertNoMore(model, control)

    def assertNoMore(self, model, control):
        """Fails if one block more of a gate vector fits, too."""
        block = control.budget.round_to
        for vector in control.cost_model.vectors:
            logits = vector.logits.numpy()
            closed = np.flatnonzero(vector.deterministic_gate() == 0)
            if not closed.size:
                continue
            best = closed[np.argsort(-logits[closed], kind="stable")[:block]]
            # Those that fulfil closed have one logit: any of them will do.
            more = logits.copy()
            more[best] = 3.0
            vector.logits.assign(more)
            counted = models.stripped_cost(model)
            vector.logits.assign(logits)
            self.assertTrue(
                any(
                    getattr(counted, kind)
                    > limit * getattr(control.cost_model.dense, kind)
                    for kind, limit in control.fractions.items()
                )
            )

    def test_integer_is_reached_to_the_unit(self):
        # 3-3-2-1 is 12 + 8 + 3 weights, and no other choice is 23.
        model = models.gated(models.mlp)
        logits = [5.0, 4.5, 4.0, -1, -1], [5.0, 4.0, -1, -1]
        vectors = keras_l0.layers.gate_vectors(model).values()
        for vector, values in zip(vectors, logits, strict=True):
            vector.logits.assign(values)
        fulfil(model, bound(model, params=23))
        self.assertEqual(models.stripped_cost(model).params, 23)

    def test_highest_logits_stay(self):
        model = models.gated(models.mlp)
        spread(model)
        vectors = list(keras_l0.layers.gate_vectors(model).values())
        before = [v.logits.numpy() for v in vectors]
        fulfil(model, bound(model, macs=0.4))
        for vector, logits in zip(vectors, before, strict=True):
            opened = vector.deterministic_gate().numpy() != 0
            self.assertBetween(opened.sum(), 1, opened.size - 1)
            self.assertGreater(logits[opened].min(), logits[~opened].max())
            # Gates that were open and stay so are left alone.
            same = opened & (logits > -np.log(11))
            self.assertAllEqual(vector.logits.numpy()[same], logits[same])

    def test_what_stripping_takes_is_given_to_the_gates(self):
        # Units with a kernel of zeros cost nothing, so that more fit.
        model = models.gated(lambda: models.mlp((8, 8)))
        first = model.layers[1].layer
        dead = np.arange(8) < 4
        first.kernel.assign(np.where(dead, 0.0, first.kernel))
        first.bias.assign(np.where(dead, 0.0, first.bias))
        for vector in keras_l0.layers.gate_vectors(model).values():
            vector.logits.assign(np.linspace(5, 4, 8))
        control = bound(model, params=0.5)
        reached = fulfil(model, control)
        self.assertLessEqual(reached["params"], 0.5)
        self.assertGreater(reached["params"], 0.4)
        # What is open was open before, and is so as it was.
        for vector in control.cost_model.vectors:
            gates = vector.deterministic_gate().numpy()
            self.assertContainsSubset(set(gates), {0.0, 1.0})

    @parameterized.parameters(1, 2, 4)
    def test_budget_holds_whatever_stripping_does(self, seed):
        model = models.gated(lambda: models.mlp((9, 8, 7)))
        rng = np.random.default_rng(seed)
        for layer in model.layers[1:4]:
            dead = rng.random(layer.layer.units) < 0.4
            kernel, bias = layer.layer.kernel, layer.layer.bias
            kernel.assign(np.where(dead, 0.0, kernel))
            bias.assign(np.where(dead, 0.0, bias))
        spread(model, seed)
        control = bound(model, params=float(rng.uniform(0.2, 0.6)))
        reached = fulfil(model, control)
        self.assertLessEqual(reached["params"], control.fractions["params"])

    def test_takes_the_best_choice_that_was_in_the_budget(self):
        model = models.gated(models.mlp)
        spread(model)
        control = bound(model, macs=0.4)
        # The first choices are in the budget, the later ones are not: as if
        # stripping gave back less and less.
        shares, choices = [0.3, 0.35, 0.5, 0.6, 0.7, 0.8], []

        def strip(*args):
            choices.append(
                [v.logits.numpy() for v in control.cost_model.vectors]
            )
            return {"macs": shares[len(choices) - 1]}

        with mock.patch.object(fulfil_module, "_stripped_fractions", strip):
            reached = fulfil(model, control)
        self.assertEqual(reached, {"macs": 0.35})
        self.assertNotAllEqual(choices[1][0], choices[-1][0])
        for vector, logits in zip(
            control.cost_model.vectors, choices[1], strict=True
        ):
            self.assertAllEqual(vector.logits, logits)

    def test_both_ways_of_a_recurrent_layer(self):
        # They have one width: more than the model of the cost thinks.
        model = models.gated(lambda: models.recurrent("concat"))
        both, _ = keras_l0.layers.gate_vectors(model).values()
        both.logits.assign([5.0, 4, 3, -1, -1.5, -2])
        control = bound(model, macs=0.6)
        reached = fulfil(model, control)
        self.assertLessEqual(reached["macs"], 0.6)

    def test_second_time_changes_nothing(self):
        model = models.gated(models.mlp)
        spread(model)
        control = bound(model, macs=0.4)
        fulfil(model, control)
        vectors = control.cost_model.vectors
        before = [v.logits.numpy() for v in vectors]
        fulfil(model, control)
        for vector, logits in zip(vectors, before, strict=True):
            self.assertAllEqual(vector.logits, logits)

    def test_is_logged(self):
        model = models.gated(models.mlp)
        with self.assertLogs(logging.get_absl_logger(), "INFO") as logs:
            fulfil(model, bound(model, macs=0.5))
        self.assertRegex(logs.output[-1], r"macs 0\.\d+ \(budget 0\.5000\)")


if __name__ == "__main__":
    absltest.main()
