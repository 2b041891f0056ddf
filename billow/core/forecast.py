"""Forecast what usage comes to at the end of a period, from what it is so far."""

from datetime import datetime, timedelta
from decimal import Decimal

from billow.core.money import round_half_away

FIRST = timedelta(days=1)
"""How much of a period must be over before anything is forecast of it."""


def at_end(so_far: int, start: datetime, end: datetime, now: datetime) -> int | None:
    """Return what an amount of usage comes to by the end, if it goes on as evenly as it did until now.

    None in the first day, from which nothing can be concluded. 310 after 10 of 30 days become 930.
    """
    if now >= end:
        return so_far
    elapsed, whole = now - start, end - start
    if elapsed < FIRST:
        return None
    tick = timedelta(microseconds=1)
    return round_half_away(Decimal(so_far) * (whole // tick) / (elapsed // tick))
