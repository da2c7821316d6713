"""Asking for a size: what a gated model will cost, and how to get there."""

from keras_l0.budget.budget import Budget
from keras_l0.budget.budget import UnreachableBudgetError
from keras_l0.budget.cost_model import CostModel
from keras_l0.budget.cost_model import ExpectedCost
from keras_l0.budget.expected_cost import expected_cost

__all__ = [
    "Budget",
    "CostModel",
    "ExpectedCost",
    "UnreachableBudgetError",
    "expected_cost",
]
