"""Draw charts as SVG: they need no script, can be printed, and say in words what they show."""

import re
from collections.abc import Sequence
from math import ceil, floor, log10

from markupsafe import Markup, escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 240, 64, 24, 12
LINES = 4
MOST_LABELS = 12
WIDEST, LETTER = 72, 6.6
MONTH = re.compile(r"\d{4}-\d\d")


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


def fitting(name: str, room: float) -> str:
    """Return the label of a column, no wider than its room: of a month without its century, others cut.

    >>> fitting("2026-03", 40), fitting("Anna", 40), fitting("Deferred revenue", 66)
    ('26-03', 'Anna', 'Deferred…')
    """
    short_name, most = name[2:] if MONTH.fullmatch(name) else name, max(int(room / LETTER), 3)
    return short_name if len(short_name) <= most else short_name[: most - 1].rstrip() + "…"


def columns(names: Sequence[str], values: Sequence[float], title: str) -> Markup:
    """Draw columns above and below zero, with a scale; a reader of the screen hears the title."""
    return stacked(names, [("", values)], title, plain=True)


def stacked(
    names: Sequence[str], series: Sequence[tuple[str, Sequence[float]]], title: str, *, plain: bool = False
) -> Markup:
    """Draw a column for each name: what is positive is stacked above zero, what is negative below it."""
    tops = [sum(max(one, 0) for one in column) for column in zip(*(each for _, each in series), strict=True)]
    lows = [sum(min(one, 0) for one in column) for column in zip(*(each for _, each in series), strict=True)]
    step = step_of(max([*tops, 0]) - min([*lows, 0]))
    low, high = floor(min([*lows, 0]) / step) * step, ceil(max([*tops, 0]) / step) * step or step

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * float(high - value) / float(high - low)

    parts = []
    for number in range(round((high - low) / step) + 1):
        at = y(low + number * step)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH}" y1="{at:.1f}" y2="{at:.1f}"/>')
        scale = short(low + number * step)
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{scale}</text>')
    wide = (WIDTH - LEFT) / max(len(names), 1)
    bar, every = min(wide * 0.7, WIDEST), ceil(len(names) / MOST_LABELS)
    for place, name in enumerate(names):
        left = LEFT + place * wide
        ends = {True: 0.0, False: 0.0}
        for number, (label, values) in enumerate(series):
            value = values[place]
            above = value >= 0
            base, ends[above] = ends[above], ends[above] + value
            top, tall = min(y(base), y(ends[above])), abs(y(base) - y(ends[above]))
            told = escape(f"{name}: {value:,g}" + (f" {label}" if label else ""))
            parts.append(
                f'<rect class="{"bar-up" if plain else f"series-{number}"}" x="{left + (wide - bar) / 2:.1f}"'
                f' width="{bar:.1f}" y="{top:.1f}" height="{tall:.1f}"><title>{told}</title></rect>'
            )
        if place % every == 0:
            parts.append(
                f'<text x="{left + wide / 2:.1f}" y="{HEIGHT - 6}" text-anchor="middle">'
                f"{escape(fitting(name, wide * every))}</text>"
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
