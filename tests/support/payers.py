"""Imagine payers: invoices and what customers write on their transfers, with the truth about each."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from billow.core.bank import references
from billow.core.bank.matching import Known, Owed
from tests.support.bank_statements import Booking

WORDS = (
    "Invoice",
    "Rechnung",
    "Kd-Nr 4711",
    "tel 0701234567",
    "2026-02",
    "order 99887766",
    "THANKS",
    "faktura",
)


@dataclass
class Payer:
    """An invoice of a customer with an account; `known` once they have paid from it with a reference."""

    invoice: str
    customer: str
    amount: int
    number: str
    iban: str
    paid_by: str | None = None
    """Our id of the payment, where the invoice has another than its number here."""

    @property
    def end_to_end(self) -> str:
        return self.paid_by or f"pi-{self.number}"


@dataclass
class Crowd:
    """Payers, and what is known of them before the statement."""

    payers: list[Payer]
    chance: random.Random
    truth: dict[str, str | None] = field(default_factory=dict)
    """The invoice that each booking is for; None where nobody could know."""

    def known(self) -> Known:
        return Known(
            {one.invoice: Owed(one.invoice, one.customer, "eur", one.amount) for one in self.payers},
            {one.number: one.invoice for one in self.payers},
            {f"pi-{one.number}": one.invoice for one in self.payers},
            {one.iban: frozenset({one.customer}) for one in self.payers},
        )

    def bookings(self) -> list[Booking]:
        """What the bank books: one transfer of each payer, in any order, with a few that name nothing."""
        found = [self.booking(place, one) for place, one in enumerate(self.payers)]
        self.chance.shuffle(found)
        return found

    def booking(self, place: int, payer: Payer) -> Booking:
        kinds = list(KINDS)
        kind = self.chance.choices(kinds, [KINDS[name] for name in kinds])[0]
        made = replace(
            Booking(payer.amount, f"B{place}", name=payer.customer), **dict(self.written(kind, payer))
        )
        self.truth[f"B{place}"] = None if kind in NOBODY_KNOWS else payer.invoice
        return made

    def written(self, kind: str, payer: Payer) -> Iterator[tuple[str, object]]:
        """What a payer fills in, by the kind of payer."""
        rf, ocr = references.rf(payer.number), references.ocr(payer.number)
        if kind in ("rf", "part", "more"):
            yield "structured", rf
        if kind == "ocr":
            yield "structured", ocr
        if kind == "part":
            yield "amount", max(payer.amount // 2, 1)
        if kind == "more":
            yield "amount", payer.amount + 500
        if kind == "text":
            shown = self.chance.choice([rf, ocr, references.grouped(rf), references.grouped(ocr).lower()])
            yield "text", f"{self.chance.choice(WORDS)} {shown} {self.chance.choice(WORDS)}"
        if kind == "id":
            yield "end_to_end", payer.end_to_end
        if kind == "account":
            yield "iban", payer.iban
            yield "text", self.chance.choice(WORDS)
        if kind == "typo":
            yield "structured", rf[:-1] + str((int(rf[-1]) + self.chance.randint(1, 9)) % 10)
        if kind == "stranger":
            yield "text", references.rf(str(self.chance.randint(10**9, 10**10 - 1)))
        if kind == "amount":
            yield "text", self.chance.choice(WORDS)


#: How often payers of each kind come, in a thousand.
KINDS = {"rf": 520, "ocr": 130, "text": 180, "part": 40, "more": 20, "id": 30, "account": 50, "typo": 12,
         "stranger": 8, "amount": 10}  # fmt: skip
NOBODY_KNOWS = ("typo", "stranger", "amount")


def crowd(seed: int, count: int) -> Crowd:
    """Payers with amounts that repeat, as those of subscriptions do."""
    chance = random.Random(seed)
    numbers = chance.sample(range(10**9, 10**10), count)
    amounts = [900, 1900, 2900, 4900, 12500]
    return Crowd(
        [
            Payer(
                f"in_{at}", f"cus_{at // 2}", chance.choice(amounts) + at % 2, str(number), f"IBAN{at // 2}"
            )
            for at, number in enumerate(numbers)
        ],
        chance,
    )
