"""Suggest which open invoices a payment may be for, where no rule of matching decides, and say why.

A suggestion is a hint for a person: nothing is applied by it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

MOST = 5
"""How many are suggested."""
MOST_TOGETHER = 12
"""Of how many open invoices of a customer pairs are added up."""
WORDS = re.compile(r"[A-Z0-9][A-Z0-9-]{3,}")
REASONS = {"number": 8, "amount": 4, "sum": 4, "account": 2, "name": 1}
"""Why an invoice is suggested, and how much each reason counts."""


@dataclass(frozen=True, slots=True)
class Open:
    """An invoice that is open, and what a transfer may say of it: its number and its payment number."""

    id: str
    customer: str
    name: str
    remaining: int
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Paid:
    """What is known of a payment: what is left of it, what it says, by whom, and whose account that is."""

    amount: int
    said: str
    name: str
    customers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Invoices that a payment may be for, with the part that each would get, and why. `left` is over."""

    parts: tuple[tuple[str, int], ...]
    why: tuple[str, ...]
    left: int


def words_in(text: str) -> set[str]:
    """Return the words of a transfer that could be numbers of invoices.

    >>> sorted(words_in("Rechnung gohh24nm-0002, danke"))
    ['DANKE', 'GOHH24NM-0002', 'RECHNUNG']
    """
    return set(WORDS.findall(text.upper()))


def plain(name: str) -> frozenset[str]:
    """Return the words of a name, by which names are compared: order, case and signs do not count."""
    return frozenset(re.findall(r"\w+", name.casefold()))


def suggest(paid: Paid, opens: Sequence[Open]) -> list[Suggestion]:
    """Return what a payment may be for, the likeliest first.

    >>> due = [Open("in_1", "cus_1", "Anna Berg", 500), Open("in_2", "cus_1", "Anna Berg", 300)]
    >>> [(one.parts, one.why) for one in suggest(Paid(800, "", "BERG ANNA"), due)][0]
    ((('in_1', 500), ('in_2', 300)), ('sum', 'name'))
    """
    said, name = words_in(paid.said), plain(paid.name)
    single = [one for one in (_of_one(paid, each, said, name) for each in opens) if one]
    found = [*single, *_together(paid, opens, name)]
    return sorted(found, key=lambda one: (-score(one), abs(one.left), one.parts))[:MOST]


def score(one: Suggestion) -> int:
    return sum(REASONS[each] for each in one.why)


def _about(paid: Paid, one: Open, name: frozenset[str]) -> list[str]:
    """Return what of the payer leads to the customer: the account, or the name."""
    known = ["account"] if one.customer in paid.customers else []
    return known + (["name"] if name and name == plain(one.name) else [])


def _of_one(paid: Paid, one: Open, said: set[str], name: frozenset[str]) -> Suggestion | None:
    why = ["number"] if said & {number.upper() for number in one.numbers} else []
    why += ["amount"] if one.remaining == paid.amount else []
    why += _about(paid, one, name)
    part = min(paid.amount, one.remaining)
    return Suggestion(((one.id, part),), tuple(why), paid.amount - part) if why else None


def _together(paid: Paid, opens: Iterable[Open], name: frozenset[str]) -> list[Suggestion]:
    """Return the invoices of a customer that come to the payment: two of them, or all."""
    by_customer: dict[str, list[Open]] = {}
    for one in opens:
        by_customer.setdefault(one.customer, []).append(one)
    found = []
    for own in by_customer.values():
        about = _about(paid, own[0], name)
        if not about or len(own) < 2:
            continue
        sets: list[tuple[Open, ...]] = [*combinations(own[:MOST_TOGETHER], 2)]
        sets += [tuple(own)] if len(own) > 2 else []
        for some in sets:
            if sum(one.remaining for one in some) == paid.amount:
                parts = tuple((one.id, one.remaining) for one in some)
                found.append(Suggestion(parts, ("sum", *about), 0))
    return found


def marked(text: str, numbers: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """Split a text at the numbers of invoices in it, each with the id of its invoice, to be highlighted.

    >>> marked("for AB-1234 ok", {"AB-1234": "in_1"})
    [('for ', None), ('AB-1234', 'in_1'), (' ok', None)]
    """
    found, at = list[tuple[str, str | None]](), 0
    for one in WORDS.finditer(text.upper()):
        if one[0] in numbers:
            found += [(text[at : one.start()], None)] if one.start() > at else []
            found.append((text[one.start() : one.end()], numbers[one[0]]))
            at = one.end()
    return [*found, (text[at:], None)] if at < len(text) else found
