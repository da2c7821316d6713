"""Charts as SVG that stands in a page and takes its colors from there.

A chart is drawn for the width of a phone and scales up a little beyond it, so
that its letters are those of the text around it. Classes `s0` and `s1` are the
colors of series, `bar`, `grid-line` and `axis` those of the rest.
"""

from collections.abc import Mapping
from collections.abc import Sequence

from keras_l0.report.html import scale
from keras_l0.report.html.markup import Markup
from keras_l0.report.html.markup import element

_WIDTH, _HEIGHT = 360, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 30, 348, 10, 174
_LETTER = 7.0  # width of a digit
Points = Sequence[tuple[float, float]]


def lines(
    series: Mapping[str, Points], description: str, x_title: str
) -> Markup:
    """One line per series.

    Args:
        series: Name -> x and y of each point, finite, one or more. The first
            one is drawn whole, the others dashed.
        description: What the picture shows, for those who cannot see it.
        x_title: What the x axis is.
    """
    everything = [point for points in series.values() for point in points]
    x, y = _scales(everything, padding=0.0, linear=True)
    drawn = [_frame(x, y, x_title, whole=True)]
    for number, points in enumerate(series.values()):
        places = [(x(a), y(b)) for a, b in points]
        drawn.append(_path(places, f"line s{number % 2} d{number}"))
        drawn.append(_dot(places[-1], f"dot s{number % 2}", 3))
    return _svg(description, drawn)


def steps(
    points: Points, names: Sequence[str], description: str, x_title: str
) -> Markup:
    """Points, each the best up to the next, with names beside them.

    Args:
        points: x and y of each point, finite, one or more, by rising x.
        names: Short name of each point; one that has no place is left out.
        description: As in `lines`.
        x_title: As in `lines`.
    """
    x, y = _scales(points, padding=0.12)
    places = [(x(a), y(b)) for a, b in points]
    corners = [places[0]]
    for place in places[1:]:
        corners += [(place[0], corners[-1][1]), place]
    rises = corners[-1][1] < corners[0][1]
    drawn = [_frame(x, y, x_title), _path(corners, "line s0 thin")]
    taken = [(left - 5, top - 5, left + 5, top + 5) for left, top in places]
    taken += map(_box, corners, corners[1:])
    for (a, b), place, name in zip(points, places, names, strict=True):
        tip = f"{name}: {scale.number(a)}, {b:.6g}"
        drawn.append(_dot(place, "dot s0", 5, element("title", tip)))
        drawn.append(_name(name, place, rises, x.start, taken))
    return _svg(description, drawn)


def bars(
    counts: Sequence[int], labels: Mapping[int, str], description: str
) -> Markup:
    """One bar per count, as tall as the count.

    Args:
        counts: Integers, at least 0, two or more.
        labels: Number of a bar -> text below it.
        description: As in `lines`.
    """
    width, height, floor = 300.0, 90.0, 70.0
    step, most = width / len(counts), max(counts) or 1
    drawn = [
        element(
            "rect",
            x=i * step + 1,
            y=floor - max(floor * count / most, 1.5),
            width=step - 2,
            height=max(floor * count / most, 1.5),
            class_="bar",
        )
        for i, count in enumerate(counts)
        if count
    ]
    drawn.append(_line(0, floor, width, floor, "axis"))
    for i, label in labels.items():
        share = i / (len(counts) - 1)
        anchor = {0.0: "start", 1.0: "end"}.get(share, "middle")
        place = {"start": 0, "end": width}.get(anchor, (i + 0.5) * step)
        drawn.append(_text(label, place, floor + 15, anchor))
    return _svg(description, drawn, width, height, "chart small")


def _scales(points, padding, linear=False):
    """Scales of both axes; the numbers of the y axis have room beside it."""
    xs, ys = zip(*points, strict=True)
    y = scale.fitting(ys, _BOTTOM, _TOP)
    digits = max(map(len, y.texts()), default=0)
    left = max(_LEFT, _LETTER * digits + 8)
    return scale.fitting(xs, left, _RIGHT, padding, linear), y


def _frame(x, y, x_title, whole=False):
    """Grid, numbers and the name of the x axis."""
    drawn = []
    for tick, label in zip(y.ticks(), y.texts(), strict=True):
        drawn.append(_line(x.start, y(tick), _RIGHT, y(tick), "grid-line"))
        drawn.append(_text(label, x.start - 6, y(tick) + 4, "end"))
    taken = float("-inf")
    for tick, label in zip(x.ticks(), x.texts(), strict=True):
        if whole and tick != int(tick):
            continue
        half = _LETTER * len(label) / 2
        place = min(x(tick), _WIDTH - half)
        drawn.append(_line(x(tick), _BOTTOM, x(tick), _BOTTOM + 4, "axis"))
        if place - half > taken:
            drawn.append(_text(label, place, _BOTTOM + 17, "middle"))
            taken = place + half + _LETTER
    drawn.append(_line(x.start, _BOTTOM, _RIGHT, _BOTTOM, "axis"))
    middle = (x.start + _RIGHT) / 2
    x_title += " (logarithmic)" if x.logarithmic else ""
    drawn.append(_text(x_title, middle, _BOTTOM + 33, "middle"))
    return drawn


def _name(name, place, rises, edge, taken):
    """The name in the first free place around a point, if there is one.

    The line of `steps` goes to the right from a point and comes from below if
    it rises: what is above is free.
    """
    width = _LETTER * len(name)
    left, right = place[0] - 8 - width, place[0] + 8
    near, far = (-8, 16) if rises else (16, -8)
    for x, y in (
        (left, place[1] + near),
        (right, place[1] + near),
        (left, place[1] + far),
        (right, place[1] + far),
    ):
        box = (x, y - 10, x + width, y + 2)
        inside = box[0] > edge and box[2] < _WIDTH and box[1] > 0
        if inside and box[3] < _BOTTOM and not _hits(box, taken):
            taken.append(box)
            return _text(name, x, y, "start")
    return None


def _box(one, other):
    """The rectangle between two corners."""
    (a, b), (c, d) = one, other
    return min(a, c), min(b, d), max(a, c), max(b, d)


def _hits(box, others):
    return any(
        box[0] < other[2]
        and other[0] < box[2]
        and box[1] < other[3]
        and other[1] < box[3]
        for other in others
    )


def _path(places, class_):
    steps_ = (f"{left:.1f} {top:.1f}" for left, top in places)
    return element("path", d=f"M{'L'.join(steps_)}", class_=class_)


def _dot(place, class_, radius, *children):
    left, top = map(float, place)
    return element(
        "circle", *children, cx=left, cy=top, r=radius, class_=class_
    )


def _line(x1, y1, x2, y2, class_):
    x1, y1, x2, y2 = map(float, (x1, y1, x2, y2))
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def _text(text, x, y, anchor):
    return element("text", text, x=float(x), y=float(y), text_anchor=anchor)


def _svg(description, drawn, width=_WIDTH, height=_HEIGHT, class_="chart"):
    return element(
        "svg",
        drawn,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=description,
        class_=class_,
    )
