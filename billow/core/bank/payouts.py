"""Decide which payout of a gateway an entry of a bank statement is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Sent:
    """A payout of the amount of an entry, which may be on it."""

    id: str
    gateway: str
    reference: str | None
    descriptor: str | None
    arrives: date


def found_in(sent: Sequence[Sent], said: str, booked: date) -> str | None:
    """Return the payout that an entry names, else the only one of a gateway that it names.

    Of several of one gateway it is the one that was to arrive on the day of the entry, if only one was.

    >>> one = Sent("po_1", "stripe", "po_9", None, date(2026, 1, 6))
    >>> found_in([one], "STRIPE PAYMENTS EUROPE", date(2026, 1, 6))
    'po_1'
    >>> found_in([one], "Ann Smith", date(2026, 1, 6)) is None
    True
    """
    words = said.casefold()
    named = [
        one for one in sent if any(name and name.casefold() in words for name in (one.id, one.reference))
    ]
    told = [one for one in sent if one.gateway.casefold() in words or in_words(one.descriptor, words)]
    on_the_day = [one for one in told if one.arrives == booked]
    for candidates in (named, told, on_the_day):
        if len(candidates) == 1:
            return candidates[0].id
    return None


def in_words(descriptor: str | None, words: str) -> bool:
    return bool(descriptor) and (descriptor or "").casefold() in words
