"""Calculate the periods of an introductory price. A free one is one period.

start      1 week     2 weeks = end
  |---- 0 ----|---- 1 ----|          two iterations of a weekly price, counted from the start, not the anchor
"""

from datetime import datetime

from billow.core import calendar, pricing
from billow.core.anchors import Rhythm


def end(start: datetime, rhythm: Rhythm, iterations: int) -> datetime:
    """Return the end of an introductory price that lasts a number of its periods."""
    return calendar.boundary(start, *rhythm, iterations)


def free(rate: pricing.Price) -> bool:
    """Return whether a price charges nothing, whatever the quantity."""
    tiers = [amount for tier in rate.tiers for amount in (tier.unit_amount, tier.flat_amount)]
    return not any([rate.unit_amount, *tiers])


def period(
    span: tuple[datetime, datetime], rhythm: Rhythm, at: datetime, *, free: bool
) -> tuple[datetime, datetime]:
    """Return the period that holds an instant: the whole offer if free, else one interval of the price."""
    if free:
        return span
    start, until = calendar.period_at(span[0], *rhythm, at)
    return start, min(until, span[1])
