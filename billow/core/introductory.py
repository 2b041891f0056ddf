"""How long does an introductory price run, and in which of its periods is an item? Free ones have one period.

start      1 week     2 weeks = end
  |---- 0 ----|---- 1 ----|          two iterations of a weekly price, counted from the start, not the anchor
"""

from datetime import datetime

from billow.core import calendar
from billow.core.anchors import Rhythm


def end(start: datetime, rhythm: Rhythm, iterations: int) -> datetime:
    """Until when a price is introductory that is so for that many of its periods."""
    return calendar.boundary(start, *rhythm, iterations)


def period(
    span: tuple[datetime, datetime], rhythm: Rhythm, at: datetime, *, free: bool
) -> tuple[datetime, datetime]:
    """The period that holds an instant: all of it where it is free, else one interval of the price."""
    if free:
        return span
    start, until = calendar.period_at(span[0], *rhythm, at)
    return start, min(until, span[1])
