"""Draw the usage of days as stacked columns in SVG, which needs no script; a table stands beside it."""

from collections.abc import Sequence
from decimal import Decimal
from math import ceil

from markupsafe import Markup, escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 240, 56, 26, 10
LINES = 4
MOST_LABELS = 8


def stacked(days: Sequence[str], series: Sequence[tuple[str, Sequence[Decimal]]], title: str) -> Markup:
    """Draw a column for each day; its parts are those of the series, the first at the bottom."""
    totals = [float(sum(column)) for column in zip(*(each for _, each in series), strict=True)] or [0.0]
    step = step_of(max(*totals, 0.0))
    high = float(max(ceil(max(totals) / step), 1) * step)
    room, wide = HEIGHT - TOP - BOTTOM, (WIDTH - LEFT) / max(len(days), 1)
    parts = [scale(value * step, high, room) for value in range(round(high / step) + 1)]
    for place, day in enumerate(days):
        left, base = LEFT + place * wide, float(HEIGHT - BOTTOM)
        for number, (name, values) in enumerate(series):
            tall = room * float(values[place]) / high
            if tall <= 0:
                continue
            base -= tall
            told = escape(f"{day}: {values[place].normalize():f}" + (f" {name}" if name else ""))
            parts.append(
                f'<rect class="series-{number}" x="{left + wide * 0.12:.1f}" width="{wide * 0.76:.1f}"'
                f' y="{base:.1f}" height="{tall:.1f}"><title>{told}</title></rect>'
            )
        if place % ceil(len(days) / MOST_LABELS) == 0:
            at = left + wide / 2
            parts.append(f'<text x="{at:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(day)}</text>')
    drawn = "".join(parts)
    return Markup(  # noqa: S704  (names are escaped, the rest are numbers)
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{drawn}</svg>'
    )


def scale(value: float, high: float, room: float) -> str:
    at = TOP + room * (high - value) / high
    return (
        f'<line x1="{LEFT}" x2="{WIDTH}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{short(value)}</text>'
    )


def step_of(span: float) -> float:
    """Return the distance between two lines of the scale: 1, 2 or 5 times a power of ten.

    >>> step_of(100), step_of(7), step_of(0)
    (50.0, 2.0, 1.0)
    """
    power = 1.0
    while span > 0 and span / LINES > power * 10:
        power *= 10
    while span > 0 and span / LINES < power:
        power /= 10
    if span <= 0:
        return 1.0
    return next(each * power for each in (1, 2, 5, 10) if each * power >= span / LINES)


def short(value: float) -> str:
    """Write a number on the scale.

    >>> short(1500), short(2_000_000), short(12), short(0.5)
    ('1.5k', '2M', '12', '0.5')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
