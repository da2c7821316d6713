"""Pictures of how a network was gated and of what was left of it.

matplotlib is imported when a picture is drawn, never with the package, and no
global state of it is touched: there is no `pyplot` here.
"""

import io
import os
from collections.abc import Mapping
from collections.abc import Sequence
from itertools import cycle

from keras_l0.internal import files
from keras_l0.report import labels
from keras_l0.report import table
from keras_l0.report.pareto import COST_NAMES
from keras_l0.report.pareto import ParetoFront

# Okabe and Ito's colors, which color-blind readers can tell apart.
_COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
    "#000000",
)
_PALE = "#D9D9D9"
_DOTS_PER_INCH = 150
_WIDTH = 7.5


def plot_open_units(
    open_units: Mapping[str, Sequence[int]],
    num_units: Mapping[str, int],
    path: str | os.PathLike,
) -> None:
    """Draws how many units each layer keeps open, epoch by epoch.

    Args:
        open_units: Name of each layer -> number of open units after each
            epoch, such as `keras_l0.callbacks.GateHistory().history`.
        num_units: The same names -> number of units at the beginning, such as
            the callback's `num_gates`.
        path: Path of the picture; the suffix says in which format, e.g.
            `".png"`. Its folder must exist.

    Raises:
        ValueError: if there is nothing to draw, or the names differ.
        ImportError: if matplotlib is not installed.
        OSError: if `path` cannot be written.

    Example:

    >>> keras_l0.report.figures.plot_open_units(
    ...     {"conv": [20, 17, 15], "dense": [500, 300, 90]},
    ...     {"conv": 20, "dense": 500}, "open_units.png")
    """
    _check_names("open_units", open_units, "num_units", num_units)
    if not all(len(counts) for counts in open_units.values()):
        raise ValueError(
            "`open_units` must hold one count or more for each layer. "
            f"Received: open_units={dict(open_units)}"
        )
    figure, axes = _figure(max(4.2, 1.5 + 0.22 * len(open_units)))
    ends = {}
    for (name, counts), color in zip(open_units.items(), cycle(_COLORS)):
        shares = [100 * count / num_units[name] for count in counts]
        epochs = range(1, len(shares) + 1)
        axes.plot(epochs, shares, color=color, linewidth=2, marker=".")
        label = f"{name}  {counts[-1]:,} of {num_units[name]:,}"
        ends[label] = (len(shares), shares[-1], color)
    axes.set_ylim(-3, 103)
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("units open, % of the layer")
    labels.label_ends(axes, ends)
    _title(axes, "Units open while training")
    _save(figure, path)


def plot_architecture(
    before: Mapping[str, int],
    after: Mapping[str, int],
    path: str | os.PathLike,
) -> None:
    """Draws what is left of each layer, as a share of what it had.

    Args:
        before: Name of each layer, or of whatever is counted, from the input
            to the output -> its number of units at first.
        after: The same names -> numbers that are left.
        path: As in `plot_open_units`.

    Raises:
        ValueError: if there is nothing to draw, the names differ, or a number
            is not positive at first or grew.
        ImportError: if matplotlib is not installed.
        OSError: if `path` cannot be written.

    Example:

    >>> keras_l0.report.figures.plot_architecture(
    ...     {"conv": 20, "dense": 500}, {"conv": 15, "dense": 90},
    ...     "architecture.png")
    """
    _check_names("before", before, "after", after)
    for name, count in before.items():
        if not 0 <= after[name] <= count or count == 0:
            raise ValueError(
                "`before` must be positive, and `after` between 0 and "
                f"`before`. Received: before[{name!r}]={count}, "
                f"after[{name!r}]={after[name]}"
            )
    figure, axes = _figure(1.2 + 0.55 * len(before))
    rows = range(len(before))
    kept = [100 * after[name] / before[name] for name in before]
    axes.barh(rows, [100] * len(before), height=0.6, color=_PALE)
    axes.barh(rows, kept, height=0.6, color=_COLORS[0])
    for row, name, share in zip(rows, before, kept, strict=True):
        axes.text(
            102,
            row,
            f"{before[name]:,} \N{RIGHTWARDS ARROW} {after[name]:,}"
            f"   ({share:.3g} %)",
            verticalalignment="center",
        )
    axes.set_yticks(rows, list(before))
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("left after stripping, %")
    axes.spines["left"].set_visible(False)
    _title(axes, "The network before and after")
    _save(figure, path)


def plot_accuracy_size(
    points: Mapping[str, tuple[float, float]], path: str | os.PathLike
) -> None:
    """Draws accuracy against size, one labelled point per model or file.

    Args:
        points: Name of each model -> its bytes and its accuracy in [0, 1].
        path: As in `plot_open_units`.

    Raises:
        ValueError: if there is nothing to draw, a size is not positive, or an
            accuracy is not in [0, 1].
        ImportError: if matplotlib is not installed.
        OSError: if `path` cannot be written.

    Example:

    >>> keras_l0.report.figures.plot_accuracy_size(
    ...     {"dense": (1_700_000, 0.981), "stripped, int8": (40_000, 0.978)},
    ...     "accuracy_size.png")
    """
    if not points:
        raise ValueError("`points` must not be empty. Received: points={}")
    for name, (size, accuracy) in points.items():
        if not (size > 0 and 0 <= accuracy <= 1):
            raise ValueError(
                "`points` must hold positive bytes and accuracies in [0, 1]. "
                f"Received: points[{name!r}]={(size, accuracy)}"
            )
    figure, axes = _figure(4.2)
    sizes = [size / 1000 for size, _ in points.values()]
    accuracies = [100 * accuracy for _, accuracy in points.values()]
    axes.set_xscale("log")
    axes.set_xlim(min(sizes) / 3, max(sizes) * 3)
    axes.set_ylim(*_padded(accuracies, least=2.0))
    axes.grid(color=_PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.xaxis.set_minor_formatter("")
    axes.yaxis.set_major_formatter(
        lambda value, _: "" if value > 100 else f"{value:.4g}"
    )
    axes.set_xlabel("size, kB (logarithmic)")
    axes.set_ylabel("accuracy, %")
    colors = [color for color, _ in zip(cycle(_COLORS), points)]
    axes.scatter(sizes, accuracies, s=70, c=colors, zorder=4)
    _title(axes, "Accuracy against size")
    texts = [
        f"{name}\n{table.with_prefix(size, 'B')}, {100 * accuracy:.1f} %"
        for name, (size, accuracy) in points.items()
    ]
    labels.label_points(axes, texts, list(zip(sizes, accuracies, strict=True)))
    _save(figure, path)


def plot_pareto(front: ParetoFront, path: str | os.PathLike) -> None:
    """Draws the models of a Pareto front: what they are worth for their cost.

    Beside each point stands the epoch after which the model was taken. To the
    right of a point and below it (above it, where low values are good), up to
    the line, lies what it dominates.

    Args:
        front: A `ParetoFront` of one point or more, such as
            `keras_l0.callbacks.ParetoCheckpoint(...).front`.
        path: As in `plot_open_units`.

    Raises:
        ValueError: if there is nothing to draw.
        ImportError: if matplotlib is not installed.
        OSError: if `path` cannot be written.

    Example:

    >>> point = keras_l0.report.ParetoPoint
    >>> front = keras_l0.report.ParetoFront("val_accuracy", "max", "macs", (
    ...     point(9, 0.95, 1000, 40_000), point(3, 0.98, 3000, 90_000)))
    >>> keras_l0.report.plot_pareto(front, "pareto.png")
    """
    if not front.points:
        raise ValueError("`front` must have a point. Received: points=()")
    costs = [front.cost_of(point) for point in front.points]
    values = [point.value for point in front.points]
    figure, axes = _figure(4.2)
    if min(costs) > 0 and max(costs) > 10 * min(costs):
        axes.set_xscale("log")
    axes.margins(0.08)
    axes.grid(color=_PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.step(costs, values, where="post", color=_COLORS[0], linewidth=1)
    axes.scatter(costs, values, s=50, color=_COLORS[0], zorder=4)
    axes.xaxis.set_major_formatter(
        lambda value, _: table.with_prefix(round(value, 6))
    )
    axes.xaxis.set_minor_formatter("")
    axes.set_xlabel(COST_NAMES[front.cost])
    axes.set_ylabel(front.monitor)
    _title(axes, "Models that no other dominates, by epoch")
    side = 1 if front.mode == "max" else -1  # away from the line
    for point, place in zip(
        front.points, zip(costs, values, strict=True), strict=True
    ):
        axes.annotate(
            str(point.epoch),
            place,
            (-6, 6 * side),
            textcoords="offset points",
            horizontalalignment="right",
            verticalalignment="bottom" if side > 0 else "top",
        )
    _save(figure, path)


def _check_names(first_name, first, second_name, second):
    if not first or set(first) != set(second):
        raise ValueError(
            f"`{first_name}` and `{second_name}` must have the same names, one "
            f"or more. Received: {tuple(first)} and {tuple(second)}"
        )


def _figure(height):
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Pictures are drawn by matplotlib, which is not installed. Install "
            "it with `pip install keras_l0[plots]`."
        ) from error
    figure = Figure(
        figsize=(_WIDTH, height), dpi=_DOTS_PER_INCH, layout="constrained"
    )
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _title(axes, text):
    axes.set_title(text, loc="left", fontweight="bold")


def _padded(values, least):
    """Limits around `values`, at least `least` apart, just beyond 100."""
    low, high = min(values), max(values)
    margin = max(0.25 * (high - low), (least - (high - low)) / 2)
    return max(low - margin, -1), min(high + margin, 101)


def _save(figure, path):
    with files.atomic_file(path, "path") as temporary:
        # In memory first: where a disk is full, writers of some formats raise
        # what has nothing to do with it.
        picture = io.BytesIO()
        suffix = os.path.splitext(temporary)[1]
        figure.savefig(picture, format=suffix[1:] or None)
        with open(temporary, "wb") as file:
            file.write(picture.getbuffer())
