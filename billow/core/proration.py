"""What is a part of a period worth? Credits and debits of a change in mid-period are made of this.

|--------- full period, full price ---------|
start      since                until      end
             |------ share -------|             full price * (until - since) / (end - start)
"""

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from billow.core.errors import Inconsistent
from billow.core.money import decimal_text, round_half_away

SECOND = timedelta(seconds=1)


def portion(amount: int, of_it: Fraction) -> int:
    """That part of an amount, rounded half away from zero once; a negative amount is mirrored (§5.7)."""
    if of_it.denominator == 1:
        return amount * of_it.numerator
    return round_half_away(amount * of_it)


def share(amount: int, since: datetime, until: datetime, start: datetime, end: datetime) -> int:
    """amount * (until - since) / (end - start), in whole seconds: a credit is the charge of the same time.

    Time that ends before it begins is worth nothing.
    """
    part, whole = max(_seconds(since, until), 0), _seconds(start, end)
    if whole <= 0:
        raise Inconsistent("A period has a length.")
    return portion(amount, Fraction(part, whole))


def prorated(amount: int, t: datetime, start: datetime, end: datetime) -> int:
    """What is left of a period at an instant.

    Pass the negative amount for a credit. For a stub, start is where the full period would have begun.
    After the end nothing is left: a late change neither credits nor charges the past period.
    """
    return share(amount, t, end, start, end)


def unused(billed: int, at: datetime, start: datetime, end: datetime) -> int:
    """What a billed stretch gives back from an instant on: all of it where it begins later (§5.7)."""
    return -share(billed, max(at, start), end, start, end) if start < end else 0


def describe(rest: str, quantity: Decimal, product: str, at: datetime, discount: str | None = None) -> str:
    """A proration in Stripe's words: `rest` is Unused or Remaining (§5.7).

    `discount` says what is taken off where the amount is net of it: "35.0% off".
    """
    many = f"{decimal_text(quantity)} \N{MULTIPLICATION SIGN} " if quantity > 1 else ""
    off = f" (with {discount})" if discount else ""
    return f"{rest} time on {many}{product} after {at:%d %b %Y}{off}"


def _seconds(start: datetime, end: datetime) -> int:
    """The API's instants are whole seconds; what the clock adds to them must not change an amount."""
    return (end.replace(microsecond=0) - start.replace(microsecond=0)) // SECOND
