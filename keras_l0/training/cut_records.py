"""Makes a model as small as another one has become."""

import keras
import numpy as np

from keras_l0.layers import gate_vectors
from keras_l0.surgery.cut import cut
from keras_l0.training import masks
from keras_l0.training.adoption import adopt


def repeat(model: keras.Model, records: list[dict[str, str]]) -> None:
    """Makes a model as small as the one that `records` are of.

    Args:
        model: An `L0Model` like that one was before its cuts, or after the
            first of them.
        records: Of all its cuts: name of each gate vector -> the gates that
            were kept, as `masks.pack` writes them.

    Raises:
        ValueError: if `model` is another one, or was cut in another way.
    """
    done = model.training_state.cuts
    if done != records[: len(done)]:
        raise ValueError(
            f"Model '{model.name}' has lost units that the file has: it was "
            f"cut {len(done)} times, the file's model {len(records)} times. "
            "Build the model anew to load the file."
        )
    for record in records[len(done) :]:
        with model.distribute_strategy.scope():
            adopt(model, _cut_again(model, record))


def _cut_again(model, record):
    removed = {}
    for name, vector in gate_vectors(model).items():
        kept = masks.unpack(record.get(name, "0:"))
        if kept.size != vector.num_gates:
            raise ValueError(
                f"The file is of another model than '{model.name}': its gate "
                f"vector '{name}' has {kept.size} gates. Received: "
                f"{vector.num_gates} gates"
            )
        removed[id(vector)] = np.logical_not(kept)
    return cut(model, lambda vector: removed[id(vector)])
