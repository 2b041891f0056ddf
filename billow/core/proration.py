"""Calculate what a part of a period costs, for the credits and debits of a change within it.

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
    """Return a part of an amount, rounded once, half away from zero; a credit mirrors its charge (§5.7)."""
    if of_it.denominator == 1:
        return amount * of_it.numerator
    return round_half_away(amount * of_it)


def share(amount: int, since: datetime, until: datetime, start: datetime, end: datetime) -> int:
    """Return amount * (until - since) / (end - start), in whole seconds, for charges and for credits.

    A span that ends before it begins costs nothing.
    """
    part, whole = max(_seconds(since, until), 0), _seconds(start, end)
    if whole <= 0:
        raise Inconsistent("A period has a length.")
    return portion(amount, Fraction(part, whole))


def prorated(amount: int, t: datetime, start: datetime, end: datetime) -> int:
    """Return the amount for the rest of a period from an instant on.

    Pass the negative amount for a credit. For a stub, start is where the full period would have begun.
    After the end it is 0: a late change neither credits nor charges the past period.
    """
    return share(amount, t, end, start, end)


def unused(billed: int, at: datetime, start: datetime, end: datetime) -> int:
    """Return the unused part of a billed span from an instant on; all of it if that begins later (§5.7)."""
    return -share(billed, max(at, start), end, start, end) if start < end else 0


def describe(rest: str, quantity: Decimal, product: str, at: datetime, discount: str | None = None) -> str:
    """Describe a proration as Stripe does: `rest` is Unused or Remaining (§5.7).

    `discount` describes the discounts that the amount includes: "35.0% off".
    """
    many = f"{decimal_text(quantity)} \N{MULTIPLICATION SIGN} " if quantity > 1 else ""
    off = f" (with {discount})" if discount else ""
    return f"{rest} time on {many}{product} after {at:%d %b %Y}{off}"


def _seconds(start: datetime, end: datetime) -> int:
    """Cut to whole seconds, as the API has them: fractions of the clock must not change an amount."""
    return (end.replace(microsecond=0) - start.replace(microsecond=0)) // SECOND
