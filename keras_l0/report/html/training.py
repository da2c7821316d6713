"""What the training brought: its curves, and the models it left."""

from collections.abc import Mapping
from collections.abc import Sequence

from keras_l0.report.html import charts
from keras_l0.report.html import parts
from keras_l0.report.html import scale
from keras_l0.report.html.markup import Markup
from keras_l0.report.html.markup import element
from keras_l0.report.pareto import COST_NAMES
from keras_l0.report.pareto import ParetoFront


def curves(history: Mapping[str, Sequence[tuple[float, float]]]) -> Markup:
    """One chart per metric; a metric and its validation share one.

    Args:
        history: Name -> epoch and value of each point, one or more.
    """
    boxes = []
    for name in sorted(history, key=lambda name: name != "loss"):
        if name.startswith("val_") and name[4:] in history:
            continue
        names = [n for n in (name, f"val_{name}") if n in history]
        boxes.append(_curve({n: history[n] for n in names}))
    return element("div", boxes, class_="grid")


def front(models: ParetoFront) -> Markup:
    """The points as a picture and as a table.

    Args:
        models: A `ParetoFront` of one point or more.
    """
    points = [(float(models.cost_of(p)), p.value) for p in models.points]
    names = [str(point.epoch) for point in models.points]
    cost = COST_NAMES[models.cost]
    chart = charts.steps(
        points,
        names,
        f"{models.monitor} against {cost} of {len(points)} models, which the "
        "table lists",
        cost,
    )
    return element(
        "div",
        element(
            "figure",
            element("figcaption", element("h3", models.monitor)),
            chart,
            class_="box",
        ),
        parts.scrolling("Pareto front", models.rows()),
        class_="pair",
    )


def _curve(series):
    name = next(iter(series))
    legend = [
        element("span", _key(number), f"{label} {scale.number(points[-1][1])}")
        for number, (label, points) in enumerate(series.items())
    ]
    told = "; ".join(
        f"{label} from {scale.number(points[0][1])} to "
        f"{scale.number(points[-1][1])}"
        for label, points in series.items()
    )
    return element(
        "figure",
        element(
            "figcaption",
            element("h3", name),
            element("div", legend, class_="legend quiet"),
        ),
        charts.lines(series, f"By epoch: {told}", "epoch"),
        class_="box",
    )


def _key(number):
    line = element("path", d="M0 5H26", class_=f"line s{number % 2} d{number}")
    return element(
        "svg", line, viewBox="0 0 26 10", class_="key", aria_hidden="true"
    )
