"""Makes a model smaller in place, optimizer and budget included."""

import numpy as np

from keras_l0.budget.cost_model import CostModel
from keras_l0.internal import keras_internals
from keras_l0.surgery.cut import Cut
from keras_l0.training.l0_model import L0Model
from keras_l0.training.optimizer_transport import OptimizerTransport


def adopt(model: L0Model, cut: Cut) -> None:
    """Puts the smaller network of a cut into the model that it comes from.

    The model stays the same object, and so do its optimizer, metrics, budget
    and cost model; its layers are new ones. Costs stay fractions of the
    network that they were fractions of. The next step is traced anew.

    Args:
        model: A compiled `L0Model`.
        cut: A cut of it.

    Raises:
        ValueError: if the optimizer's state cannot be cut.
    """
    transport = OptimizerTransport(model.optimizer)
    cost_model = model.cost_model
    model.dense_cost = cost_model.dense
    kept = np.concatenate([kept for _, kept, _ in cut.vectors])
    model.gates_left *= float(kept.mean())
    keras_internals.adopt_graph(model, cut.model)
    moved = {id(move.old): (move.new, move.carry) for move in cut.moves}
    transport.finish(moved, model.variables)
    # In place: callbacks and the budget hold the cost model.
    counted = {**vars(CostModel(model)), "dense": model.dense_cost}
    vars(cost_model).update(counted)
    model.make_train_function(force=True)
    model.test_function = model.predict_function = None
