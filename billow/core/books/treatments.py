"""Derive how a posting is treated for tax: the treatment, the country and the rate of its document."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billow.core.money import decimal_text

TREATMENTS = (
    "domestic", "domestic_reverse_charge", "eu_reverse_charge", "eu_goods", "oss", "export",
    "export_service", "outside", "exempt", "nontaxable", "untaxed", "by_hand", "mixed",
)  # fmt: skip
"""Those of automatic tax; `untaxed` has no tax rate, `by_hand` one of another country, `mixed` several."""
UNTAXED = frozenset({
    "customer_exempt", "excluded_territory", "not_collecting", "not_subject_to_tax",
    "product_exempt", "product_exempt_holiday", "zero_rated",
})  # fmt: skip
ACCOUNT = re.compile(r"(?P<jurisdiction>.+)/(?P<treatment>[a-z_]+)/(?P<rate>[0-9.]+)")


@dataclass(frozen=True, slots=True)
class Rate:
    """A tax rate as the books see it. By hand it has no treatment."""

    id: str
    percentage: Decimal
    country: str | None = None
    state: str | None = None
    jurisdiction: str | None = None
    treatment: str | None = None


@dataclass(frozen=True, slots=True)
class Treated:
    """How something is treated for tax; what is not known is empty. The rate is text, such as 25 or 5.5."""

    treatment: str = ""
    country: str = ""
    rate: str = ""

    def said(self) -> dict[str, str]:
        """Return what is known, by name, as exports say it."""
        named = {"treatment": self.treatment, "country": self.country, "rate": self.rate}
        return {name: value for name, value in named.items() if value}


MIXED = Treated("mixed")


def owed_to(rate: Rate) -> str:
    """Return to whom the tax of a rate is owed: its jurisdiction, else country and state, else its own id.

    Of automatic tax also how the sale is treated, and the rate: DE/oss/19.
    """
    if rate.treatment:
        return f"{rate.jurisdiction}/{rate.treatment}/{decimal_text(rate.percentage)}"
    return rate.jurisdiction or "-".join(filter(None, (rate.country, rate.state))) or rate.id


def treatment_of(rate: Rate, reason: str | None, home: str) -> str:
    """Return the treatment of a rate; of one that was set by hand, what its reason and its country say."""
    if rate.treatment:
        return rate.treatment
    if reason == "reverse_charge":
        return "eu_reverse_charge"
    if reason in UNTAXED or not rate.percentage:
        return "exempt"
    return "domestic" if (rate.country or home) == home else "by_hand"


def treated(taxes: Sequence[Mapping[str, Any]], rates: Mapping[str, Rate], home: str) -> Treated:
    """Return how a line with these taxes is treated. Stacked taxes, as in the US, add up to one rate."""
    known = [(rates.get(rate_id(tax)), tax.get("taxability_reason")) for tax in taxes]
    found = [(rate, reason) for rate, reason in known if rate is not None]
    if not found:
        return Treated("untaxed", "", "0")
    first, reason = found[0]
    due = [rate.percentage for rate, why in found if why not in UNTAXED and why != "reverse_charge"]
    percentage = decimal_text(sum(due, Decimal(0)))
    return Treated(treatment_of(first, reason, home), first.country or "", percentage)


def of_document(lines: Sequence[Treated]) -> Treated:
    """Return how a document is treated whole: as its lines are where all are alike, or else mixed.

    >>> of_document([Treated("oss", "DE", "19"), Treated("oss", "DE", "7")])
    Treated(treatment='oss', country='DE', rate='')
    """
    kinds = {(one.treatment, one.country) for one in lines}
    if len(kinds) != 1:
        return MIXED if kinds else Treated()
    rates = {one.rate for one in lines}
    return Treated(*kinds.pop(), rates.pop() if len(rates) == 1 else "")


def of_tax_account(
    owed: str, amount: int, taxes: Sequence[Mapping[str, Any]], rates: Mapping[str, Rate], home: str
) -> Treated:
    """Return the treatment of tax that is owed to an account such as DE/oss/19, or of a rate set by hand.

    A jurisdiction alone may have several rates on one document: then the amount tells them apart.
    """
    named = ACCOUNT.fullmatch(owed)
    if named and named["treatment"] in TREATMENTS:
        country = named["jurisdiction"][:2]
        return Treated(named["treatment"], country if country.isupper() else "", named["rate"])
    there = [(tax["amount"], rates.get(rate_id(tax))) for tax in taxes]
    those = [(taxed, rate) for taxed, rate in there if rate is not None and owed_to(rate) == owed]
    exact = [rate for taxed, rate in those if abs(taxed) == abs(amount)] or [rate for _, rate in those]
    if not exact:
        return Treated()
    return Treated(
        treatment_of(exact[0], None, home), exact[0].country or "", decimal_text(exact[0].percentage)
    )


def rate_id(tax: Mapping[str, Any]) -> str:
    """Return the tax rate of a tax of a line, an invoice or a refund."""
    return (tax.get("tax_rate_details") or {}).get("tax_rate") or tax.get("tax_rate") or ""
