"""Draw charts as SVG: they need no script, can be printed, and say in words what they show."""

from collections.abc import Sequence
from math import ceil, floor, log10

from markupsafe import Markup, escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 240, 64, 24, 12
LINES = 4


def step_of(span: float, lines: int = LINES) -> float:
    """Return the distance between two lines of a scale: 1, 2 or 5 times a power of ten.

    >>> step_of(100), step_of(7), step_of(0)
    (50.0, 2.0, 1.0)
    """
    if span <= 0:
        return 1.0
    rough = span / lines
    power = 10 ** floor(log10(rough))
    return float(next(each * power for each in (1, 2, 5, 10) if each * power >= rough))


def short(value: float) -> str:
    """Write a number on a scale.

    >>> short(1500), short(2_000_000), short(12), short(0.5)
    ('1.5k', '2M', '12', '0.5')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def columns(names: Sequence[str], values: Sequence[float], title: str) -> Markup:
    """Draw columns above and below zero, with a scale; a reader of the screen hears the title."""
    step = step_of(max([*values, 0]) - min([*values, 0]))
    low, high = floor(min([*values, 0]) / step) * step, ceil(max([*values, 0]) / step) * step or step
    room = HEIGHT - TOP - BOTTOM

    def y(value: float) -> float:
        return TOP + room * (high - value) / (high - low)

    parts = []
    for number in range(round((high - low) / step) + 1):
        value = low + number * step
        at = y(value)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{short(value)}</text>')
    wide = (WIDTH - LEFT) / max(len(names), 1)
    for place, (name, value) in enumerate(zip(names, values, strict=True)):
        left, above = LEFT + place * wide, min(y(value), y(0))
        parts.append(
            f'<rect class="bar-up" x="{left + wide * 0.15:.1f}" width="{wide * 0.7:.1f}" y="{above:.1f}"'
            f' height="{abs(y(value) - y(0)):.1f}"/>'
        )
        parts.append(
            f'<text x="{left + wide / 2:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(name[2:])}</text>'
        )
    drawn = "".join(parts)
    return Markup(  # noqa: S704  (names are escaped, the rest are numbers)
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{drawn}</svg>'
    )


def curve(points: Sequence[tuple[float, float]], title: str) -> Markup:
    """Draw a line through points of which both numbers are zero or more, the first ones in order."""
    furthest, highest = max(x for x, _ in points) or 1.0, max(y for _, y in points)
    step, across = step_of(highest), step_of(furthest, 6)
    high, room, wide = ceil(highest / step) * step or step, HEIGHT - TOP - BOTTOM, WIDTH - LEFT - TOP
    parts = []
    for number in range(round(high / step) + 1):
        at = TOP + room * (1 - number * step / high)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH}" y1="{at:.1f}" y2="{at:.1f}"/>')
        named = short(round(number * step, 12))
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{named}</text>')
    for number in range(floor(furthest / across) + 1):
        at = LEFT + wide * number * across / furthest
        named = short(round(number * across, 12))
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{named}</text>')
    path = " ".join(f"{LEFT + wide * x / furthest:.1f},{TOP + room * (1 - y / high):.1f}" for x, y in points)
    drawn = "".join(parts) + f'<polyline class="curve" points="{path}"/>'
    return Markup(  # noqa: S704  (the title is escaped, the rest are numbers)
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{drawn}</svg>'
    )
