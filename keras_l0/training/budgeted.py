"""What a budget adds to a model: its state, and its part of `fit`."""

import dataclasses
import inspect

import keras

from keras_l0.budget.budget import Budget
from keras_l0.budget.control import BudgetControl
from keras_l0.budget.cost_model import CostModel
from keras_l0.cost import Cost
from keras_l0.internal import keras_internals
from keras_l0.layers import has_gates
from keras_l0.training import nan_guard
from keras_l0.training.budget_phases import BudgetPhases
from keras_l0.training.callback_lists import extended
from keras_l0.training.constraint import Constraint
from keras_l0.training.cost_logs import CostLogs
from keras_l0.training.resumable import ResumableModel
from keras_l0.training.statistics_inputs import StatisticsInputs

_FIT = inspect.signature(keras.Model.fit)


class BudgetedModel(ResumableModel):
    """A model whose gates `fit` can drive to a budget."""

    budget_control: BudgetControl | None = None
    # Cost of the network before units went while it trained, None: none did;
    # and the fraction of its gates that is there.
    dense_cost: Cost | None = None
    gates_left: float = 1.0
    _known_cost: CostModel | None = None

    def set_budget(self, budget: Budget) -> None:
        """Gives the model a budget that `fit` is to reach.

        Args:
            budget: The budget.

        Raises:
            TypeError: if `budget` is none.
            ValueError: if the model is not a graph of layers with gates, or
                the budget is out of reach.
        """
        if not isinstance(budget, Budget):
            raise TypeError(
                "`budget` must be a `keras_l0.Budget`. "
                f"Received: budget={budget!r} ({type(budget).__name__})"
            )
        self._known_cost = self._count()
        control = BudgetControl(budget, self._known_cost, name="budget")
        keras_internals.add_sublayer(self, "budget_control", control)

    @property
    def cost_model(self) -> CostModel | None:
        """The cost of the model; None if it is not a graph with gates."""
        has_graph = bool(getattr(self, "inputs", None))
        if self._known_cost is None and has_graph and has_gates(self):
            self._known_cost = self._count()
        return self._known_cost

    def _count(self):
        cost_model = CostModel(self)
        cost_model.dense = self.dense_cost or cost_model.dense
        return cost_model

    @property
    def is_bound(self) -> bool:
        """Whether a budget pulls at the gates: until they are frozen."""
        return self.budget_control is not None and self.budget_control.active

    def constraint(self) -> Constraint:
        """What the budget does in the present step."""
        return Constraint(self.budget_control)

    def fit(self, *args: object, **kwargs: object) -> keras.callbacks.History:
        """`keras.Model.fit`; stops on a NaN loss, and goes for the budget."""
        given = _FIT.bind(self, *args, **kwargs).arguments
        del given["self"]
        first, last = [], [nan_guard.NanGuard()]
        if self.cost_model is not None:
            first.append(CostLogs(self.cost_model))
        if self.budget_control is not None:
            inputs = StatisticsInputs(given.get("x"))
            last.append(BudgetPhases(self.budget_control, inputs))
        callbacks = given.pop("callbacks", None)
        callbacks = extended(callbacks, self, first, last)
        return super().fit(callbacks=callbacks, **given)

    def get_config(self) -> dict:
        config = super().get_config()
        if self.budget_control is not None:
            budget = self.budget_control.budget
            config["budget"] = keras.saving.serialize_keras_object(budget)
        if self.dense_cost is not None:
            config["dense_cost"] = dataclasses.asdict(self.dense_cost)
            config["gates_left"] = self.gates_left
            config["cuts"] = list(self.training_state.cuts)
        return config

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> "BudgetedModel":
        config = dict(config)
        budget, dense = config.pop("budget", None), config.pop("dense_cost", {})
        gates_left = config.pop("gates_left", 1.0)
        cuts = config.pop("cuts", [])
        model = super().from_config(config, custom_objects)
        if dense:
            uncounted = tuple(dense["uncounted"])
            model.dense_cost = Cost(**{**dense, "uncounted": uncounted})
            model.gates_left = gates_left
            model.training_state.cuts = list(cuts)
        if budget is not None:
            model.set_budget(keras.saving.deserialize_keras_object(budget))
        return model
