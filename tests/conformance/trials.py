"""Short trainings of the rows' models, for tests of how `fit` is called."""

import contextlib

import keras
import numpy as np

import keras_l0
from tests import descriptors
from tests import test_util

# Three batches, the last one of two examples.
X = descriptors.inputs(10)
Y = np.random.default_rng(5).normal(size=(10, 2)).astype("float32")
BATCHES = [slice(0, 4), slice(4, 8), slice(8, 10)]


def compiled(
    row: descriptors.Row,
    options: dict | None = None,
    model: keras.Model | None = None,
    **how: object,
) -> keras.Model:
    """A row's L0Model, or `model`, compiled; eager unless `how` says more.

    Args:
        row: The row.
        options: Of the row's optimizer.
        model: A model of the row.
        **how: Arguments of `compile`.
    """
    model = row.l0_model() if model is None else model
    how = {"run_eagerly": not {*how} & {"jit_compile"}, **how}
    model.compile(row.optimizer(**(options or {})), "mse", **how)
    return model


def fit(model: keras.Model, epochs: int = 2, **how: object) -> dict:
    """Trains on all batches, in their order; the history."""
    how = {"x": X, "y": Y, "batch_size": 4, **how}
    history = model.fit(shuffle=False, epochs=epochs, verbose=0, **how)
    return history.history


def trainable(model: keras.Model) -> list[np.ndarray]:
    """Values of what training moves."""
    return [variable.numpy() for variable in model.trainable_variables]


def state(model: keras.Model) -> list[keras.Variable]:
    """All that goes on from step to step: weights, gates, slots, seeds."""
    vectors = keras_l0.layers.gate_vectors(model).values()
    seeds = [vector.seed_generator.state for vector in vectors]
    return [*model.weights, *model.optimizer.variables, *seeds]


def check_same(
    test: test_util.TestCase,
    model: keras.Model,
    other: keras.Model,
    rtol: float = 1e-5,
) -> None:
    """Fails if two models of a row are not in the same state.

    Sums of float32 that were added in another order may differ: a few dozen
    additions, of 6e-8 each, which some steps of training do not multiply.
    """
    for variable, known in zip(state(other), state(model), strict=True):
        if np.issubdtype(known.numpy().dtype, np.integer):
            test.assertAllEqual(variable, known, known.path)
        else:
            test.assertAllClose(
                variable, known, rtol=rtol, atol=rtol / 10, msg=known.path
            )


def one_by_one(model: keras.Model) -> dict[str, float]:
    """Trains on each batch by itself; mean losses over the examples."""
    sums = dict.fromkeys(("loss", "data_loss", "penalty"), 0.0)
    for batch in BATCHES:
        x, y = X[batch], Y[batch]
        logs = model.train_on_batch(x, y, return_dict=True)
        for name in sums:
            sums[name] += len(x) * logs[name] / len(X)
    return sums


def check_callback(
    test: test_util.TestCase,
    row: descriptors.Row,
    options: dict | None = None,
    atol: float = 1e-5,
    **how: object,
) -> None:
    """The same training, and the same model, with a callback as without it.

    Two of four units are closed: what cuts closed units out, does so.
    """
    seen = []
    # Some write into a folder beside the program.
    test.enter_context(contextlib.chdir(test.create_tempdir().full_path))
    for callbacks in ([], [row.make()]):
        test_util.start_afresh()
        model = _half_closed()
        compiled(row, options, model, metrics=["accuracy"], **how)
        history = fit(
            model,
            batch_size=5,
            validation_data=(X, Y),
            callbacks=callbacks,
        )
        losses = [history[name] for name in ("loss", "val_loss", "accuracy")]
        seen.append((*losses, model(X, training=False)))
    test.assertAllClose(seen[1], seen[0], rtol=0, atol=atol)
    if isinstance(callbacks[0], keras_l0.callbacks.Compact):
        test.assertEqual(model.layers[1].layer.units, 2)


def _half_closed():
    inputs = keras.Input((4,))
    vector = keras_l0.GateVector("diff_prune", name="gates")
    layer = keras.layers.Dense(4, activation="tanh")
    hidden = keras_l0.L0Gate(layer, gate_vector=vector, l0=0.01)(inputs)
    vector.logits.assign([-1.0, 0.6, -1.0, 0.4])
    return keras_l0.L0Model(inputs, keras.layers.Dense(2)(hidden))
