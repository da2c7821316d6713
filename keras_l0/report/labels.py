"""Puts labels into a picture where they cover neither points nor each other."""

from collections.abc import Mapping
from collections.abc import Sequence

_LINE_INCHES = 0.22
# Where a label may stand: direction from its point, nearest choices first.
_DIRECTIONS = (
    (1, 0),
    (-1, 0),
    (0, 1),
    (0, -1),
    (1, 1),
    (-1, 1),
    (1, -1),
    (-1, -1),
)
_DISTANCES = (9, 24, 45, 70)  # printer's points


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Moves positions on a line until they are at least `gap` apart.

    Their order is kept, and neighbors that collide move as one block around
    the mean of where they belong, so that the sum of the squared moves is the
    least possible.

    Args:
        positions: Numbers in any order.
        gap: Positive number.

    Returns:
        moved: The new positions, in the order of `positions`.

    Example:

    >>> from keras_l0.report.labels import spread
    >>> spread([5.0, 1.0, 5.0], gap=2.0)
    [4.0, 1.0, 6.0]
    """
    order = sorted(range(len(positions)), key=positions.__getitem__)
    blocks = []  # [mean of the positions less their offsets, indices]
    for index in order:
        blocks.append([positions[index], [index]])
        while len(blocks) > 1:
            (low, first), (high, second) = blocks[-2:]
            if high - low >= gap * len(first):
                break
            count = len(first) + len(second)
            aims = low * len(first) + (high - gap * len(first)) * len(second)
            blocks[-2:] = [[aims / count, first + second]]
    moved = list(positions)
    for start, indices in blocks:
        for rank, index in enumerate(indices):
            moved[index] = start + gap * rank
    return moved


def label_ends(axes, ends: Mapping[str, tuple[float, float, str]]) -> None:
    """Writes one label per line to the right of the axes, at the line's end.

    Args:
        axes: matplotlib axes, whose limits are set already.
        ends: Label -> x and y of the end of its line, and its color.
    """
    low, high = axes.get_ylim()
    gap = _LINE_INCHES / (axes.figure.get_figheight() - 1)
    wanted = [(y - low) / (high - low) for _, y, _ in ends.values()]
    heights = spread(wanted, gap)
    for (label, (x, y, color)), height in zip(
        ends.items(), heights, strict=True
    ):
        axes.annotate(
            label,
            (x, y),
            (1.03, height),
            textcoords="axes fraction",
            verticalalignment="center",
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "linewidth": 0.6,
                "relpos": (0, 0.5),
            },
        )


def label_points(
    axes, labels: Sequence[str], points: Sequence[tuple[float, float]]
) -> None:
    """Writes a label beside each point, in the free place nearest to it.

    Args:
        axes: matplotlib axes, otherwise complete; their layout is fixed here.
        labels: One text per point.
        points: x and y of each point.
    """
    axes.figure.draw_without_rendering()
    axes.figure.set_layout_engine("none")
    renderer = axes.figure.canvas.get_renderer()
    inside = axes.get_window_extent(renderer)
    taken = [_around(axes.transData.transform(point)) for point in points]
    for label, point in zip(labels, points, strict=True):
        candidates = [
            _annotate(axes, label, point, direction, distance)
            for distance in _DISTANCES
            for direction in _DIRECTIONS
        ]
        boxes = [_text_box(text, renderer) for text in candidates]
        flaws = [_flaw(box, taken, inside) for box in boxes]
        best = flaws.index(min(flaws))
        taken.append(boxes[best])
        for text in candidates[:best] + candidates[best + 1 :]:
            text.remove()


def _annotate(axes, label, point, direction, distance):
    return axes.annotate(
        label,
        point,
        [distance * sign for sign in direction],
        textcoords="offset points",
        horizontalalignment=("right", "center", "left")[direction[0] + 1],
        verticalalignment=("top", "center", "bottom")[direction[1] + 1],
        arrowprops={"arrowstyle": "-", "color": "gray", "linewidth": 0.6},
    )


def _text_box(annotation, renderer):
    """Pixels that the words cover; an annotation counts its line as well."""
    from matplotlib.text import Text

    annotation.update_positions(renderer)
    return Text.get_window_extent(annotation, renderer)


def _around(pixel, size=12.0):
    from matplotlib.transforms import Bbox

    x, y = pixel
    return Bbox([[x - size, y - size], [x + size, y + size]])


def _flaw(box, taken, inside):
    """Area of the label that lies on something, or outside."""
    return sum(_overlap(box, other) for other in taken) + (
        box.width * box.height - _overlap(box, inside)
    )


def _overlap(one, other):
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)
