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
_LOGITS = np.linspace(-1.5, 1.5, 601)
_LEFT_TITLE = "What a gate is"


@dataclasses.dataclass(frozen=True)
class Study:
    """What is drawn of one family.

    Attributes:
        gate: The family, as it is trained.
        draw: Draws the left panel on axes.
        path: Gate vector -> what the right panel shows of its gates.
        label: What that is called.
        closed: Inference closes a gate that is not above it.
        l0: Price of a weight.
    """

    gate: keras_l0.gates.Gate
    draw: Callable[[object], None]
    path: Callable[[keras_l0.GateVector], tf.Tensor]
    label: str
    closed: float
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
        shuffle=False,  # the data set does
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
        known = float(gate.deterministic_gate(tf.constant(logit)))
        if known in (0.0, 1.0):  # below its bar
            known += place - 3.5 * width if known == 0 else place + 1.5 * width
        axes.plot(known, -0.05, marker="^os"[number], color=color)
    axes.set_xticks(
        [-2.5 * width, 0.25, 0.5, 0.75, 1 + 2.5 * width],
        ["exactly 0", "0.25", "0.5", "0.75", "exactly 1"],
    )
    axes.set_ylim(-0.1, 1.02)
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
    count = len(biases)
    kernel = tf.zeros([count, count])
    logits = gate.generate(tf.ones([count]), kernel, tf.constant(biases))
    logits = [float(logit) for logit in logits]
    names = [
        f"bias {bias:g}, logit {logit:.2f}"
        for bias, logit in zip(biases, logits, strict=True)
    ]
    _draw_shares(axes, gate, logits, names)


def _draw_functions(axes, curves):
    """Curves of a logit: `(values, label)` over `_LOGITS`, one line each."""
    for number, (values, label) in enumerate(curves):
        axes.plot(
            _LOGITS,
            values,
            color=_COLORS[number],
            linestyle=_LINES[number],
            linewidth=1.8,
            label=label,
        )
    axes.set_xlabel("logit")
    axes.set_ylabel("gate, and its slope by the logit")
    axes.legend(loc="upper left", frameon=False)


def _draw_diff_prune(axes):
    gate = keras_l0.gates.DiffPrune()
    value, slope = gate_and_slope(gate)
    axes.set_ylim(-0.1, 3.0)
    _draw_functions(
        axes,
        [
            (value, "gate, training and inference"),
            (slope, "slope that training uses"),
        ],
    )


def _draw_straight_through(axes):
    families = [
        keras_l0.gates.StraightThrough(estimator, norm=None)
        for estimator in ("identity", "softplus")
    ]
    value, identity = gate_and_slope(families[0])
    _, softplus = gate_and_slope(families[1])
    axes.set_ylim(-0.1, 1.75)
    _draw_functions(
        axes,
        [
            (value, "gate, training and inference"),
            (identity, "slope used, identity"),
            (softplus, "slope used, softplus"),
        ],
    )


def gate_and_slope(
    gate: keras_l0.gates.Gate,
) -> tuple[np.ndarray, np.ndarray]:
    """A deterministic family's gate of `_LOGITS`, and its slope in training."""
    logits = tf.constant(_LOGITS, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = gate.sample(logits, None)
    return value.numpy(), tape.gradient(value, logits).numpy()


def _probability(vector):
    return vector.prob_nonzero()


def _inference_gate(vector):
    return vector.deterministic_gate()


def _logit(vector):
    return tf.convert_to_tensor(vector.logits)


STUDIES = {
    "hard_concrete": Study(
        keras_l0.gates.HardConcrete(),
        _draw_hard_concrete,
        _probability,
        "probability of an open gate",
        closed=1 / (1 + 11 ** (1 / 3)),
    ),
    "arm": Study(
        keras_l0.gates.ARM(),
        _draw_arm,
        _probability,
        "probability of an open gate",
        closed=0.5,
    ),
    "diff_prune": Study(
        keras_l0.gates.DiffPrune(),
        _draw_diff_prune,
        _inference_gate,
        "gate",
        closed=0.0,
    ),
    "straight_through": Study(
        keras_l0.gates.StraightThrough(),
        _draw_straight_through,
        _logit,
        "logit",
        closed=0.0,
    ),
    "dependent": Study(
        keras_l0.gates.DependentHardConcrete(),
        _draw_dependent,
        _probability,
        "probability of an open gate",
        closed=1 / (1 + 11 ** (1 / 3)),
        l0=1e-2,
    ),
}


def _draw_path(axes, study, steps):
    at, gates = train(study, steps)
    groups = (
        ("useful inputs", gates[:, :USEFUL], _COLORS[1], "-", 1.3),
        ("useless inputs", gates[:, USEFUL:], _COLORS[2], "--", 2.0),
    )
    for name, values, color, line, width in groups:
        # What matters lies on top, and thinner: neither hides the other.
        lines = axes.plot(
            at, values, line, color=color, linewidth=width, zorder=4 - width
        )
        lines[0].set_label(name)
    axes.axhline(
        study.closed,
        color="#000000",
        linewidth=0.9,
        linestyle=":",
        label="closed below",
    )
    low = min(gates.min(), 0.0)
    axes.set_ylim(low - 0.05 * (1 - low), 1 + 0.2 * (1 - low))
    axes.set_yticks(np.linspace(low, 1.0, 5))
    axes.set_xlabel("training step")
    axes.set_ylabel(study.label)
    axes.legend(
        loc="upper center",
        ncols=3,
        frameon=False,
        fontsize=8.5,
        columnspacing=0.9,
        handlelength=1.6,
    )


def draw(name: str, output_dir: str, steps: int = STEPS) -> str:
    """Draws the picture of a family.

    Args:
        name: A key of `STUDIES`.
        output_dir: A folder that exists.
        steps: Number of training steps.

    Returns:
        path: Path of the PNG file.
    """
    figure = _figure()
    study = STUDIES[name]
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    left.set_title(_LEFT_TITLE, loc="left", fontsize=10)
    right.set_title(
        f"Training, l0 = {study.l0:g}: {INPUTS} inputs, {USEFUL} useful",
        loc="left",
        fontsize=10,
    )
    study.draw(left)
    _draw_path(right, study, steps)
    path = os.path.join(output_dir, f"{name}.png")
    _save(figure, path)
    return path


def _figure():
    """A figure without `pyplot`, whose state is everybody's."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Pictures are drawn by matplotlib, which is not installed. Install "
            "it with `pip install keras_l0[plots]`."
        ) from error
    figure = Figure(figsize=(9, 3.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure, path):
    """Writes a PNG with a palette, a third as large as `savefig`'s."""
    from PIL import Image  # matplotlib's own dependency

    figure.canvas.draw()
    image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba()))
    image.convert("RGB").quantize(64).save(path, optimize=True)


def main(_) -> None:
    os.makedirs(_OUTPUT_DIR.value, exist_ok=True)
    for name in STUDIES:
        print(draw(name, _OUTPUT_DIR.value))


if __name__ == "__main__":
    app.run(main)
