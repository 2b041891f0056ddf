"""What is the rest of a period worth? Credits and debits of a change in mid-period are made of this."""

from datetime import datetime, timedelta

SECOND = timedelta(seconds=1)


def prorated(amount: int, t: datetime, start: datetime, end: datetime) -> int:
    """amount * (end - t) / (end - start), in whole seconds, rounded half away from zero once.

    Pass the negative amount for a credit. For a stub, start is where the full period would have begun.
    After the end nothing is left: a late change neither credits nor charges the past period.
    """
    left, length = max(_seconds(t, end), 0), _seconds(start, end)
    assert length > 0, "a period has a length"
    # Doubled, so that the half to be added is an integer too.
    share = (2 * abs(amount) * left + length) // (2 * length)
    return share if amount >= 0 else -share


def _seconds(start: datetime, end: datetime) -> int:
    """The API's instants are whole seconds; what the clock adds to them must not change an amount."""
    return (end.replace(microsecond=0) - start.replace(microsecond=0)) // SECOND
