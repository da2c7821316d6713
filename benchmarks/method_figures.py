"""Draws the pictures of docs/methods.md, one for each gate family.

    python -m benchmarks.method_figures

On the left what a gate is, at several logits; on the right how the gates of a
small network's inputs move, of which only the first few are needed. Needs
matplotlib: `pip install ".[plots]"`.
"""

import dataclasses
import os
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags

import keras_l0

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "docs/figures", "Where the pictures are put."
)

INPUTS, USEFUL = 12, 4
STEPS = 800
_EXAMPLES, _BATCH_SIZE, _UNITS = 1024, 64, 16
_RECORD_EVERY = 5
# Three of Okabe and Ito's colors, dark to light in gray, and a line for each.
_COLORS = ("#000000", "#0072B2", "#E69F00")
_LINES = ("-", "--", "-.")
_HATCHES = ("", "////", "....")
_BINS = 20


@dataclasses.dataclass(frozen=True)
class Study:
    """What is drawn of one family.

    Attributes:
        gate: The family, as it is trained.
        draw: Draws the left panel on axes.
        path: Gate vector -> what the right panel shows of its gates.
        label: What that is called.
        l0: Price of a weight.
    """

    gate: keras_l0.gates.Gate
    draw: Callable[[object], None]
    path: Callable[[keras_l0.GateVector], tf.Tensor]
    label: str
    l0: float = 2e-3


def samples(
    gate: keras_l0.gates.Gate, logit: float, count: int = 20_000
) -> np.ndarray:
    """Gates of one logit on an even grid of uniform numbers."""
    uniforms = tf.constant((np.arange(count) + 0.5) / count, tf.float32)
    return gate.sample(tf.fill([count], logit), uniforms).numpy()


def shares(gates: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Shares of gates at 0, in equal bins between 0 and 1, and at 1."""
    between = gates[(gates > 0) & (gates < 1)]
    counts, _ = np.histogram(between, _BINS, (0.0, 1.0))
    size = len(gates)
    return np.mean(gates == 0), counts / size, np.mean(gates == 1)


def train(study: Study, steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    """Trains a small network on data of which few inputs matter.

    Args:
        study: The family and its price.
        steps: Number of training steps.

    Returns:
        at: Int array `[n]`, steps at which the gates were looked at.
        gates: Float array `[n, INPUTS]`, what was seen.
    """
    keras.utils.set_random_seed(0)
    model, vector = _network(study)
    x, y = _data()
    at, seen = [0], [study.path(vector).numpy()]

    def record(batch, logs):
        step = int(model.optimizer.iterations)
        if step % _RECORD_EVERY == 0:
            at.append(step)
            seen.append(study.path(vector).numpy())

    batches = tf.data.Dataset.from_tensor_slices((x, y))
    batches = batches.shuffle(_EXAMPLES, seed=0).repeat().batch(_BATCH_SIZE)
    model.fit(
        batches,
        steps_per_epoch=steps,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=record)],
        verbose=0,
    )
    return np.array(at), np.stack(seen)


def _network(study):
    """Two gated layers: dependent gates need a chain."""
    inputs = keras.Input((INPUTS,))
    first = keras_l0.L0Gate(
        keras.layers.Dense(_UNITS, activation="relu"),
        study.gate,
        l0=study.l0,
        on="inputs",
    )
    last = keras_l0.L0Gate(
        keras.layers.Dense(1), study.gate, l0=study.l0, on="inputs"
    )
    model = keras_l0.L0Model(inputs, last(first(inputs)))
    model.compile(
        keras.optimizers.Adam(5e-3),
        "mse",
        gate_optimizer=keras.optimizers.Adam(1e-2),
    )
    return model, first.gate_vector


def _data():
    random = np.random.default_rng(0)
    x = random.normal(size=(_EXAMPLES, INPUTS))
    slopes = np.resize([1.0, -0.8], USEFUL)
    noise = 0.1 * random.normal(size=_EXAMPLES)
    y = x[:, :USEFUL] @ slopes + noise
    return x.astype("float32"), y[:, np.newaxis].astype("float32")


def _draw_shares(axes, gate, logits, names):
    """Shares of the samples, with bars of their own for exactly 0 and 1."""
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    width = 0.045
    for number, (logit, name) in enumerate(zip(logits, names, strict=True)):
        color, place = _COLORS[number], number * width
        low, middle, high = shares(samples(gate, logit))
        axes.bar(
            [place - 3.5 * width, place + 1 + 1.5 * width],
            [low, high],
            width,
            color="white" if _HATCHES[number] else color,
            edgecolor=color,
            hatch=_HATCHES[number],
            label=name,
        )
        if np.any(middle):
            axes.stairs(middle, edges, color=color, linestyle=_LINES[number])
        axes.plot(
            float(gate.deterministic_gate(tf.constant(logit))),
            -0.05,
            marker="^o"[number % 2],
            color=color,
            clip_on=False,
        )
    axes.set_xticks(
        [-2.5 * width, 0.25, 0.5, 0.75, 1 + 2.5 * width],
        ["exactly 0", "0.25", "0.5", "0.75", "exactly 1"],
    )
    axes.set_ylim(-0.1, 1.0)
    axes.set_xlabel("gate (marks: in inference)")
    axes.set_ylabel("share of draws")
    axes.legend(loc="upper center", frameon=False)


def _draw_hard_concrete(axes):
    logits = (-3.0, 0.0, 3.0)
    names = [f"logit {logit:g}" for logit in logits]
    _draw_shares(axes, keras_l0.gates.HardConcrete(), logits, names)


def _draw_arm(axes):
    logits = (-0.2, 0.1, 0.3)
    names = [f"logit {logit:g}" for logit in logits]
    _draw_shares(axes, keras_l0.gates.ARM(), logits, names)


def _draw_dependent(axes):
    gate = keras_l0.gates.DependentHardConcrete()
    biases = (-0.6, 0.2, 3.0)
    logits = [
        float(gate.generate(tf.ones([1]), tf.zeros([1, 1]), tf.constant([b])))
        for b in biases
    ]
    names = [f"bias {b:g}: logit {a:.2f}" for b, a in zip(biases, logits)]
    _draw_shares(axes, gate, logits, names)
