"""Makes a model smaller in place, optimizer and budget included."""

import keras
import numpy as np

from keras_l0.budget.cost_model import CostModel
from keras_l0.internal import keras_internals
from keras_l0.layers import gate_vectors
from keras_l0.surgery.cut import Cut
from keras_l0.training import masks
from keras_l0.training.optimizer_transport import OptimizerTransport


def adopt(model: keras.Model, cut: Cut) -> None:
    """Puts the smaller network of a cut into the model that it comes from.

    The model stays the same object, and so do its optimizer, metrics, budget
    and cost model; its layers are new ones. Costs stay fractions of the
    network that they were fractions of. The next step is traced anew. The
    model remembers the cut, for those that load a file of it.

    Args:
        model: An `L0Model`, compiled or not.
        cut: A cut of it.

    Raises:
        ValueError: if the optimizer's state cannot be cut.
    """
    compiled = model.compiled
    transport = OptimizerTransport(model.optimizer) if compiled else None
    cost_model = model.cost_model
    model.dense_cost = cost_model.dense
    record = _record(model, cut)
    kept = np.concatenate([kept for _, kept, _ in cut.vectors])
    model.gates_left *= float(kept.mean())
    keras_internals.adopt_graph(model, cut.model)
    if cut.chain is not None:
        keras_internals.add_sublayer(model, "gate_chain", cut.chain)
    if compiled:
        moved = {id(move.old): (move.new, move.carry) for move in cut.moves}
        transport.finish(moved, model.variables)
    # In place: callbacks and the budget hold the cost model.
    counted = {**vars(CostModel(model)), "dense": model.dense_cost}
    vars(cost_model).update(counted)
    model.training_state.cuts.append(record)
    if compiled:
        model.make_train_function(force=True)
    model.test_function = model.predict_function = None


def _record(model, cut):
    """Name of each gate vector -> the gates that are kept."""
    kept = {id(old): kept for old, kept, _ in cut.vectors}
    return {
        name: masks.pack(kept[id(vector)])
        for name, vector in gate_vectors(model).items()
    }
