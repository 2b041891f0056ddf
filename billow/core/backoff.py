"""Decide when a gateway or mail server that does not answer is tried again."""

from datetime import timedelta

LEAST, MOST = timedelta(minutes=1), timedelta(hours=1)
SPREAD = 20
"""Percent by which a pause is longer at the most: what failed together does not come back together."""


def pause(silent: timedelta, percent: int, least: timedelta = LEAST) -> timedelta:
    """Return the next pause: as long as it has been silent so far, so that pauses double, up to an hour.

    `percent`, from 0 to SPREAD, is chosen at random by the caller.

    >>> [str(pause(timedelta(minutes=silent), 0)) for silent in (0, 1, 2, 4, 32, 64, 5000)]
    ['0:01:00', '0:01:00', '0:02:00', '0:04:00', '0:32:00', '1:00:00', '1:00:00']
    """
    return min(max(silent, least), MOST) * (100 + percent) // 100
