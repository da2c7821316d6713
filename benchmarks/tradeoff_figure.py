"""Draws test error against weights left, from the results of all rows.

    python -m benchmarks.tradeoff_figure

Every run is a point. Needs matplotlib: `pip install ".[plots]"`.
"""

import dataclasses
import glob
import os
from collections.abc import Sequence

from absl import app
from absl import flags

from benchmarks import records
from benchmarks.recipes import PUBLISHED

_RESULTS_DIR = flags.DEFINE_string(
    "figure_results_dir", "benchmarks/results", "Where the JSON files are."
)
_FIGURE = flags.DEFINE_string(
    "figure", "docs/figures/error_vs_weights.png", "Where the picture is put."
)

NETWORKS = {"lenet_300_100": "LeNet-300-100", "lenet5": "LeNet-5"}
_TICKS = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


@dataclasses.dataclass(frozen=True)
class Style:
    """How the runs of one method look.

    Attributes:
        label: Name in the legend.
        rows: Beginnings of the names of its rows.
        color: Its color, one of Okabe and Ito's.
        marker: Its marker.
    """

    label: str
    rows: tuple[str, ...]
    color: str
    marker: str


STYLES = (
    Style("HardConcrete", ("uniform", "separate"), "#0072B2", "o"),
    Style("ARM", ("arm_",), "#E69F00", "s"),
    Style("DiffPrune", ("diff_prune",), "#009E73", "^"),
    Style(
        "StraightThrough, single weights",
        ("straight_through",),
        "#CC79A7",
        "D",
    ),
    Style("DependentHardConcrete", ("dependent",), "#D55E00", "v"),
    Style("magnitude pruning, single weights", ("magnitude",), "#666666", "P"),
    Style("small architecture from scratch", ("scratch",), "#56B4E9", "X"),
    Style("dense", ("dense",), "#000000", "_"),
)


def points(
    runs: Sequence[dict], network: str, style: Style
) -> list[tuple[float, float]]:
    """(percent of the weights left, test error) of each run of a method.

    Args:
        runs: Records of `benchmarks.reproduce`.
        network: `"lenet_300_100"` or `"lenet5"`.
        style: The method.

    Returns:
        points: In the order of `runs`.
    """
    return [
        (run["percent_left"], run["test_error"])
        for run in runs
        if run["network"] == network and run["row"].startswith(style.rows)
    ]


def draw(runs: Sequence[dict], path: str) -> None:
    """Draws one panel for each network.

    Args:
        runs: Records of `benchmarks.reproduce`.
        path: Where the picture is put.
    """
    figure = _figure()
    axes = figure.subplots(1, 2)
    handles = {}
    for ax, (network, title) in zip(axes, NETWORKS.items(), strict=True):
        _draw_network(ax, runs, network)
        ax.set_title(title)
        found, labels = ax.get_legend_handles_labels()
        handles |= zip(labels, found, strict=True)
    axes[0].set_ylabel("test error in percent")
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=3,
        frameon=False,
    )
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    figure.savefig(path, dpi=130)


def _figure():
    """A figure without `pyplot`, whose state is everybody's."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Pictures are drawn by matplotlib, which is not installed. Install "
            "it with `pip install keras_l0[plots]`."
        ) from error
    return Figure(figsize=(11, 5.6), layout="constrained")


def _draw_network(ax, runs, network):
    for style in STYLES:
        found = points(runs, network, style)
        if found:
            ax.scatter(
                *zip(*found, strict=True),
                s=60,
                c=style.color,
                marker=style.marker,
                label=style.label,
                alpha=0.85,
                linewidths=2 if style.marker == "_" else 0.5,
                edgecolors=None if style.marker == "_" else "white",
            )
    _draw_published(ax, network)
    ax.set_xscale("log")
    ax.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    ax.minorticks_off()
    ax.set_xlabel("weights left in percent of the dense network (log)")
    ax.grid(True, color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)


def _draw_published(ax, network):
    for (name, row), (_, percent, error) in PUBLISHED.items():
        if name != network:
            continue
        paper = "L0-ARM" if row.startswith("arm") else "L0-HC"
        ax.scatter(
            percent,
            error,
            s=130,
            facecolors="none",
            edgecolors="black",
            marker="*",
            label="published rows",
            zorder=3,
        )
        ax.annotate(
            paper,
            (percent, error),
            xytext=(6, 5),
            textcoords="offset points",
            fontsize=8,
        )


def main(argv: list[str]) -> None:
    paths = glob.glob(os.path.join(_RESULTS_DIR.value, "*-seed*.json"))
    draw([records.read(path) for path in sorted(paths)], _FIGURE.value)


if __name__ == "__main__":
    app.run(main)
