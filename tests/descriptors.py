"""The table of public classes that every conformance test runs over.

A new layer, gate family, distribution, metric or callback adds a row here and
is then held to every file of `tests/conformance/`; a class without a row fails
`coverage_test.py`, and `python -m tests.conformance.matrix` shows what is
held to what.
"""

from collections.abc import Iterable

import keras
import numpy as np
from keras import layers

import keras_l0
from keras_l0 import gates
from keras_l0.layers import step_context
from keras_l0.layers.gate_chain import GateChain
from tests import test_util
from tests.conformance.row import Row
from tests.distributions import gate_contract


def _hard_concrete(**kwargs):
    return keras_l0.gates.HardConcrete(
        **{
            "temperature": 0.5,
            "stretch_low": -0.2,
            "stretch_high": 1.3,
            "drop_rate": 0.3,
            "clamp": 3.0,
            "inference": "median",
            **kwargs,
        }
    )


def _schedule(*values):
    return keras.optimizers.schedules.PiecewiseConstantDecay([1], [*values])


def _dense():
    return layers.Dense(4, activation="tanh", name="dense")


def _l0_gate(**kwargs):
    kwargs = {"l0": 0.01, "l2": 0.02, "name": "gated", **kwargs}
    return lambda: keras_l0.L0Gate(_dense(), **kwargs)


def _gated(gate):
    return keras_l0.L0Gate(_dense(), gate, l0=0.01)


def _model():
    keras.utils.set_random_seed(test_util.test_seed())
    inputs = keras.Input((4,))
    hidden = _gated("hard_concrete")(inputs)
    return keras_l0.L0Model(inputs, layers.Dense(2)(hidden))


def _gated_optimizer(**options):
    return keras_l0.training.GatedOptimizer(
        keras.optimizers.Adam(0.02, **options),
        keras.optimizers.SGD(0.2, momentum=0.5, **options),
    )


def _tied(vector):
    """Two layers with the same gates."""
    return keras.Sequential(
        [
            keras_l0.L0Gate(layers.Dense(4), gate_vector=vector, l0=0.01)
            for _ in range(2)
        ]
    )


LAYERS = (
    Row("l0_gate_outputs", _l0_gate(axis=1, l2_detached=True)),
    Row("l0_gate_linear_outputs", lambda: keras_l0.L0Gate(layers.Dense(4))),
    Row("l0_gate_inputs", _l0_gate(on="inputs")),
    Row("l0_gate_weights", _l0_gate(on="weights")),
    Row(
        "l0_gate_per_example",
        # Logits far from 0 stay there, and with them draws that are certain.
        _l0_gate(gate=gates.HardConcrete(clamp=None), noise_shape=(None, 4)),
    ),
    Row(
        "gate_vector",
        lambda: keras_l0.GateVector(_hard_concrete(), seed=7, name="stream"),
        _tied,
    ),
)
MODELS = (Row("functional_l0_model", _model),)
GATES = (
    Row("arm", lambda: gates.ARM(k=3.0, drop_rate=0.4), _gated, False),
    Row(
        "arm_hard_sigmoid",
        lambda: gates.ARM(
            activation="hard_sigmoid", estimator="arm", initial_k=5.0
        ),
        _gated,
        False,
    ),
    Row(
        "arm_binary",
        lambda: gates.ARM(estimator="ar", inference="binary"),
        _gated,
        False,
        False,
    ),
    Row("diff_prune", lambda: gates.DiffPrune(scale=0.7, leak=0.2), _gated),
    Row(
        "diff_prune_noisy",
        lambda: gates.DiffPrune("rational", noise=0.3, initial=0.4),
        _gated,
    ),
    Row(
        "diff_prune_sigmoid",
        lambda: gates.DiffPrune("clipped_sigmoid", surrogate="sigmoid"),
        _gated,
    ),
    Row(
        "straight_through",
        lambda: gates.StraightThrough(
            "leaky_relu", leak=0.3, norm="rms", initial=0.5, clamp=2.0
        ),
        _gated,
        smooth=False,
    ),
    Row(
        "straight_through_total",
        lambda: gates.StraightThrough(order="total"),
        _gated,
        smooth=False,
    ),
    Row(
        "dependent",
        lambda: gates.DependentHardConcrete(
            temperature=0.5, stretch_low=-0.2, stretch_high=1.3
        ),
        _gated,
    ),
    Row(
        "dependent_backward",
        lambda: gates.DependentHardConcrete(
            "backward", "open", "product", inference="median"
        ),
        _gated,
    ),
    Row("hard_concrete", _hard_concrete, _gated),
    Row(
        "hard_concrete_topk",
        lambda: _hard_concrete(inference="topk", clamp=None),
        _gated,
    ),
)
METRICS = ()
# What a model is trained with, in L0Model's own `fit`.
TRAINING = (
    Row(
        "budget",
        lambda: keras_l0.Budget(
            macs=0.8,
            params=0.85,
            bytes=0.9,
            min_units=2,
            round_to=2,
            start=0.2,
            fine_tune=0.4,
            recalibrate=False,
            on_unreachable="closest",
        ),
        lambda made: _gated("hard_concrete"),
    ),
    Row(
        "gated_optimizer",
        lambda: _gated_optimizer(),
        lambda made: _gated("hard_concrete"),
        optimizer=lambda **options: _gated_optimizer(**options),
    ),
)
CALLBACKS = (
    # Cuts as soon as it may, which a test of what it changes needs.
    Row(
        "compact",
        lambda: keras_l0.callbacks.Compact("epoch", 1, 0.2, 0.0, 1),
        lambda made: None,
    ),
    Row("gate_history", keras_l0.callbacks.GateHistory, lambda made: None),
    Row(
        "gate_summaries",
        lambda: keras_l0.callbacks.GateSummaries("logs", 2),
        lambda made: None,
    ),
    Row(
        "pareto_checkpoint",
        lambda: keras_l0.callbacks.ParetoCheckpoint(
            "sizes", "val_accuracy", "max", "params", 2, 1, 8
        ),
        lambda made: None,
    ),
)


def _distribution(row):
    """A row of the distributions' own contract."""
    return Row(
        f"{row.name}_distribution",
        lambda: row.make(np.array([-3.0, -0.7, 0.0, 2.0], "float32")),
        lambda made: None,
    )


DISTRIBUTIONS = tuple(map(_distribution, gate_contract.ROWS))

# What a model can hold.
ROWS = LAYERS + GATES
# What has a configuration of its own.
PARTS = ROWS + TRAINING
# What makes a model.
TRAINED = ROWS + MODELS + TRAINING
# For what takes seconds: gates one by class, and all that is no gate.
FAMILIES = (
    *LAYERS,
    *{row.cls: row for row in GATES}.values(),
    *MODELS,
    *TRAINING,
)
TABLES = {
    "LAYERS": LAYERS,
    "MODELS": MODELS,
    "GATES": GATES,
    "DISTRIBUTIONS": DISTRIBUTIONS,
    "METRICS": METRICS,
    "TRAINING": TRAINING,
    "CALLBACKS": CALLBACKS,
}


def named(rows: Iterable[Row]) -> list[tuple[str, Row]]:
    """Rows as `parameterized.named_parameters` takes them."""
    return [(row.name, row) for row in rows]


def inputs(batch_size: int = 6) -> np.ndarray:
    """Inputs of a row's model."""
    rng = np.random.default_rng(test_util.test_seed())
    return rng.normal(size=(batch_size, 4)).astype("float32")


def set_logits(model: keras.Model, values: tuple[float, ...]) -> None:
    """Gives the gates of a model the values in turn."""
    for vector in keras_l0.layers.gate_vectors(model).values():
        vector.logits.assign(np.resize(values, vector.num_gates))


def as_in_a_model(vector: keras_l0.GateVector) -> step_context.StepContext:
    """Lets a built vector of any family draw, inside of what is returned."""
    if vector.gate.chained:
        GateChain([vector])
    return step_context.StepContext()
