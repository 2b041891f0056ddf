"""Read and check what a customer entered on a page; no message repeats what was entered of a card."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from babel import Locale

from billow.api.params import made
from billow.core import tax_ids
from billow.core.bank.direct_debit import is_debitable
from billow.core.mail_addresses import is_address, is_line
from billow.flows.checkout.purchase import Card
from billow.pages.words import Words
from billow.resources.customer import TaxNumber

LONGEST = 500
SECRET = ("number", "cvc", "expiry", "iban")
"""What a page never shows again: the browser has it, and we do not keep it."""
ADDRESS = ("line1", "line2", "city", "postal_code", "state", "country")

OTHERS = {
    "AU": "au_abn",
    "CA": "ca_bn",
    "CH": "ch_vat",
    "GB": "gb_vat",
    "IN": "in_gst",
    "JP": "jp_trn",
    "NO": "no_vat",
    "NZ": "nz_gst",
    "SG": "sg_gst",
    "US": "us_ein",
    "ZA": "za_vat",
}
"""The kinds of tax ids of the countries outside the European Union."""


@dataclass(slots=True)
class Form:
    """What was entered, with what is wrong about it by field."""

    words: Words
    given: Mapping[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    declined: str | None = None
    notice: str | None = None
    """What is to be agreed to before the form is sent again."""

    def value(self, name: str) -> str:
        """Return what a field shows: what was entered before, but nothing of a card."""
        return "" if name in SECRET else self.text(name) or ""

    def text(self, name: str) -> str | None:
        """Return what was entered in a field, on one line; None where it is empty."""
        value = " ".join(self.given.get(name, "").split())[:LONGEST]
        return value if value and is_line(value) else None

    def in_order(self) -> list[tuple[str, str]]:
        """Return what is wrong in the order in which the fields were sent, which is that of the page."""
        places = {name: place for place, name in enumerate(self.given)}
        return sorted(self.errors.items(), key=lambda one: places.get(one[0], len(places)))

    def wrong(self, name: str, key: str, **named: object) -> None:
        self.errors.setdefault(name, self.words(key, **named))

    def needed(self, name: str, label: str) -> str | None:
        """Return what was entered in a field that must be filled in."""
        self.labels[name] = label
        value = self.text(name)
        if value is None:
            self.wrong(name, "required")
        return value

    def email(self) -> str | None:
        value = self.needed("email", self.words("email"))
        if value is not None and not is_address(value):
            self.wrong("email", "bad_email")
        return value

    def address(self, prefix: str, countries: Sequence[tuple[str, str]], *, whole: bool) -> dict[str, Any]:
        """Return an address: the whole one, or only its country and postcode."""
        found = {name: self.text(prefix + name) for name in ADDRESS}
        for name in ("line1", "city", "postal_code") if whole else ():
            self.needed(prefix + name, self.words(name))
        self.labels[f"{prefix}country"] = self.words("country")
        if found["country"] not in [code for code, _ in countries]:
            self.wrong(f"{prefix}country", "bad_country")
        return found

    def card(self, now: datetime) -> Card | None:
        """Return the card that was typed in; its number goes to the gateway and nowhere else."""
        number = re.sub(r"[ -]", "", self.given.get("number", ""))
        month, year = expiry_of(self.given.get("expiry", ""))
        cvc = self.given.get("cvc", "").strip()
        for name, key in (("number", "card_number"), ("expiry", "expiry"), ("cvc", "cvc")):
            self.labels[name] = self.words(key)
        if not re.fullmatch(r"[0-9]{12,19}", number):
            self.wrong("number", "bad_number")
        if not 1 <= month <= 12:
            self.wrong("expiry", "bad_expiry")
        elif (year, month) < (now.year, now.month):
            self.wrong("expiry", "past_expiry")
        if not re.fullmatch(r"[0-9]{3,4}", cvc):
            self.wrong("cvc", "bad_cvc")
        self.needed("holder", self.words("card_holder"))
        return None if self.errors else Card(number, month, year, cvc)

    def iban(self) -> str | None:
        """Return the account that was typed in; like a card's number it goes to the gateway only."""
        given = self.needed("iban", self.words("iban"))
        self.needed("account_holder", self.words("account_holder"))
        if given and not is_debitable(given):
            self.wrong("iban", "bad_iban")
        return None if self.errors else given

    def tax_number(self, value: str, country: object) -> TaxNumber:
        """Return a tax id, of the kind that the country has; an EU VAT number says its own."""
        type = OTHERS.get(str(country), "eu_vat")
        if not tax_ids.is_valid(type, value):
            self.wrong("tax_id", "bad_tax_id")
        return made(TaxNumber, type=type, value=value)

    def holder(self) -> str | None:
        """Return the name on the card, or that of the account's holder."""
        return self.text("holder") or self.text("account_holder")


def expiry_of(text: str) -> tuple[int, int]:
    """Return month and year of an expiry as it is printed: `08/29`, `8 / 2029`, `0829`."""
    found = re.fullmatch(r"\s*(\d{1,2})\s*[/ -]?\s*(\d{2}|\d{4})\s*", text)
    if not found:
        return 0, 0
    year = int(found[2])
    return int(found[1]), year + 2000 if year < 100 else year


def countries_of(words: Words, allowed: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return the countries that can be chosen, with their names in the language, by name."""
    names = Locale.parse(words.language).territories
    known = {code: name for code, name in names.items() if re.fullmatch("[A-Z]{2}", code)}
    left_out = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}
    chosen = {code: name for code, name in known.items() if code not in left_out}
    found = [(code, str(chosen[code])) for code in (allowed or chosen) if code in chosen]
    return sorted(found, key=lambda one: one[1])
