"""Draws test error against time and against multiply-accumulates."""

import os
from collections.abc import Sequence

from benchmarks.accuracy_rows import ROWS

# Okabe and Ito's colors.
_COLORS = dict(
    zip(ROWS, ("#000000", "#E69F00", "#0072B2", "#CC79A7"), strict=True)
)
_LABELS = {
    "dense": "dense",
    "gated": "gated",
    "compact": "gated, Compact",
    "magnitude": "magnitude pruning of units",
}
AXES = {
    "cpu_seconds": "processor's seconds",
    "epochs_spent": "MACs, in epochs of the dense network",
}


def curve(
    runs: Sequence[dict], network: str, row: str, key: str
) -> tuple[list[float], list[float]]:
    """Mean over the seeds of what was spent, and of the test error.

    Args:
        runs: Records of `benchmarks.time_to_accuracy`.
        network: Name of the network.
        row: Name of the row.
        key: One of `AXES`.

    Returns:
        x: After each epoch that all seeds have.
        y: Likewise.
    """
    found = [
        run["entries"]
        for run in runs
        if (run["network"], run["row"]) == (network, row)
    ]
    epochs = list(zip(*found, strict=False))
    means = [
        [sum(e[name] for e in epoch) / len(epoch) for epoch in epochs]
        for name in (key, "test_error")
    ]
    return means[0], means[1]


def draw(runs: Sequence[dict], path: str) -> None:
    """Draws a line of panels for each network.

    Args:
        runs: Records of `benchmarks.time_to_accuracy`.
        path: Where the picture is put.
    """
    names = sorted({run["network"] for run in runs})
    figure = _figure(len(names))
    axes = figure.subplots(len(names), len(AXES), squeeze=False)
    for line, network in zip(axes, names, strict=True):
        for ax, key in zip(line, AXES, strict=True):
            _draw_panel(ax, runs, network, key)
        line[0].set_ylabel(f"{network}: test error in percent")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=4, frameon=False
    )
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    figure.savefig(path, dpi=130)


def _figure(lines):
    """A figure without `pyplot`, whose state is everybody's."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Pictures are drawn by matplotlib, which is not installed. Install "
            "it with `pip install keras_l0[plots]`."
        ) from error
    return Figure(figsize=(11, 0.6 + 3.6 * lines), layout="constrained")


def _draw_panel(ax, runs, network, key):
    for row in ROWS:
        x, y = curve(runs, network, row, key)
        if x:
            ax.plot(
                x, y, color=_COLORS[row], label=_LABELS[row], marker=".", lw=1.5
            )
    ax.set_yscale("log")
    # Not as powers of ten, of which an axis may have none.
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:g}")
    ax.set_xlim(left=0)
    ax.set_xlabel(AXES[key])
    ax.grid(True, which="both", color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)
