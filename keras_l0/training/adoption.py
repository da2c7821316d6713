"""Makes a model smaller in place, optimizer and budget included."""

import keras
import numpy as np

from keras_l0.internal import keras_internals
from keras_l0.layers import gate_vectors
from keras_l0.surgery.cut import Cut
from keras_l0.training import masks
from keras_l0.training.optimizer_transport import OptimizerTransport


def shrink(model: keras.Model, cut: Cut) -> None:
    """Puts the smaller network of a cut into the model that it comes from.

    The model stays the same object, and so do its optimizer and metrics; its
    layers are new ones. The next step is traced anew.

    Args:
        model: A Functional model, compiled or not.
        cut: A cut of it.

    Raises:
        ValueError: if the optimizer's state cannot be cut.
    """
    compiled = model.compiled
    transport = OptimizerTransport(model.optimizer) if compiled else None
    keras_internals.adopt_graph(model, cut.model)
    if cut.chain is not None:
        keras_internals.add_sublayer(model, "gate_chain", cut.chain)
    if compiled:
        moved = {id(move.old): (move.new, move.carry) for move in cut.moves}
        transport.finish(moved, model.variables)
        model.make_train_function(force=True)
    model.test_function = model.predict_function = None


def adopt(model: keras.Model, cut: Cut) -> None:
    """`shrink` of an `L0Model`, which takes its budget and cost along.

    Costs stay fractions of the network that they were fractions of. The model
    remembers the cut, for those that load a file of it.

    Args:
        model: An `L0Model`, compiled or not.
        cut: A cut of it.

    Raises:
        ValueError: if the optimizer's state cannot be cut.
    """
    cost_model = model.cost_model
    model.dense_cost = cost_model.dense
    record = _record(model, cut)
    kept = np.concatenate([kept for _, kept, _ in cut.vectors])
    model.gates_left *= float(kept.mean())
    shrink(model, cut)
    # In place: callbacks and the budget hold the cost model.
    cost_model.recount(model)
    model.training_state.cuts.append(record)


def _record(model, cut):
    """Name of each gate vector -> the gates that are kept."""
    kept = {id(old): kept for old, kept, _ in cut.vectors}
    return {
        name: masks.pack(kept[id(vector)])
        for name, vector in gate_vectors(model).items()
    }
