"""Read what the description of a line says, where it is one of ours and not the merchant's own.

Descriptions are English, as Stripe's are. A paper in another language says the same from the line's data.
What is the merchant's, such as the name of a product, is taken from the description: products are renamed.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from billow.core import proration
from billow.core.invoicing import TIMES, rhythm
from billow.core.money import decimal_text

Kind = Literal["billed_before", "free_trial", "prepaid", "priced", "remaining", "trial_period", "unused"]
BILLED_BEFORE = "Amount previously billed"
PREPAID = "Prepaid credits"
PRICED = re.compile(
    rf"(?P<many>-?[\d.]+)(?: (?P<unit>.{{1,40}}?))? {TIMES} (?P<name>.+)"
    r" \((?:Tier (?P<tier>\d+) )?at .{1,60} / (?P<every>.{1,40})\)",
    re.DOTALL,
)
SHARE = re.compile(
    rf"(?P<rest>Unused|Remaining) time on (?:[\d.]+ {TIMES} )?(?P<name>.+) after \d\d \w{{3}} \d{{4,}}"
    r"(?: \(with (?P<off>[\d.]+)% off\))?",
    re.DOTALL,
)
TRIAL = re.compile(
    rf"Free trial for (?P<many>\d+) {TIMES} (?P<name>.+)|Trial period for (?P<whole>.+)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a line knows of itself; `every` is the rhythm of its price, if that is known and recurs."""

    quantity: Decimal | None
    start: datetime
    tier: int | None = None
    every: tuple[str, int] | None = None
    proration: bool = False
    prepaid: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """What a description says: of which kind it is, and the merchant's words in it."""

    kind: Kind
    name: str = ""
    unit: str = ""
    off: Decimal | None = None
    """The percentage that discounts have taken off a proration."""


def read(description: str, facts: Facts) -> Text | None:
    """Return what a description of ours says; None for one that agrees with no data of the line.

    >>> line = Facts(Decimal(3), datetime(2026, 2, 15), every=("month", 1))
    >>> read("3 seat × Team (at $18.00 / month)", line)
    Text(kind='priced', name='Team', unit='seat', off=None)
    >>> read("Three seats, as agreed", line)
    """
    if description == BILLED_BEFORE:
        return Text("billed_before")
    if facts.prepaid and (description == PREPAID or description.startswith(f"{PREPAID}: ")):
        return Text("prepaid", description.removeprefix(PREPAID).removeprefix(": "))
    return _share(description, facts) or _priced(description, facts) or _trial(description, facts)


def _priced(description: str, facts: Facts) -> Text | None:
    found = PRICED.fullmatch(description)
    if found is None or facts.every is None or facts.quantity is None:
        return None
    rank = None if facts.tier is None else str(facts.tier + 1)
    said = (found["many"], found["tier"], found["every"])
    if said != (decimal_text(facts.quantity), rank, rhythm(*facts.every)):
        return None
    return Text("priced", found["name"], found["unit"] or "")


def _share(description: str, facts: Facts) -> Text | None:
    found = SHARE.fullmatch(description)
    if found is None or not facts.proration or facts.quantity is None:
        return None
    label = f"{found['off']}% off" if found["off"] else None
    if description != proration.describe(found["rest"], facts.quantity, found["name"], facts.start, label):
        return None
    kind: Kind = "unused" if found["rest"] == "Unused" else "remaining"
    return Text(kind, found["name"], off=Decimal(found["off"]) if found["off"] else None)


def _trial(description: str, facts: Facts) -> Text | None:
    found = TRIAL.fullmatch(description)
    if found is None or facts.every is None or facts.quantity is None:
        return None
    if found["whole"]:
        return Text("trial_period", found["whole"])
    agrees = found["many"] == decimal_text(facts.quantity)
    return Text("free_trial", found["name"]) if agrees else None
