"""Decide how a refund without a credit note is booked: as goodwill, with the tax in proportion.

A refund lowers what the customer paid for a supply, and with it the tax of the supply (art. 90 of Directive
2006/112). It is split as a credit note of the same amount would be, by each combination of the taxes of the
invoice; the net is goodwill, since the service goes on.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from billow.core.credit_notes import spread
from billow.flows.billing import totals
from billow.flows.invoices import credit_by_amount
from billow.flows.invoices.credit_amounts import Case
from billow.resources.refund import Refund

Granted = dict[str, Any]
"""What a refund grants: its net, and of each tax its rate, its jurisdiction and its amount.

`parts` says how much of it is treated as which line of the invoice: the net, and the amounts of its taxes.
"""


def of_part(case: Case, amount: int) -> Granted:
    """Split a refund of what was paid for an invoice into its net and its taxes.

    What exceeds the invoice, such as a debt of the balance that was paid with it, has no tax.
    """
    most = sum(case.nets.values()) - case.granted + sum(case.taxes.values())
    if most <= 0:
        return without_tax(amount)
    groups = credit_by_amount.grouped(case)
    parts = []
    for one in credit_by_amount.split(case, min(amount, most)):
        shown = one.shown()
        like = groups[tuple(shown.tax_rates)][0]
        taxes = [
            {
                "tax_rate": tax["tax_rate_details"]["tax_rate"],
                "reason": tax.get("taxability_reason"),
                "amount": tax["amount"],
            }
            for tax in shown.taxes
        ]
        parts.append({"line": like.id, "net": shown.net, "taxes": taxes})
    corrected = taxes_in(parts)
    taxes = [
        {"tax_rate": rate, "jurisdiction": totals.jurisdiction(case.rates[rate]), "amount": share}
        for rate, share in corrected.items()
        if share
    ]
    whole = {"invoice": case.invoice.id, "net": amount - sum(corrected.values())}
    return {**whole, "taxes": taxes, "parts": parts}


def taxes_in(parts: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Add up the taxes of parts, by rate."""
    found = Counter[str]()
    for part in parts:
        found.update({tax["tax_rate"]: tax["amount"] for tax in part["taxes"]})
    return found


def without_tax(amount: int) -> Granted:
    return {"net": amount, "taxes": []}


def granted_of(refund: Refund) -> Granted:
    """Return how the part of a refund was booked that belongs to no credit note.

    A refund from before taxes were corrected was booked as net.
    """
    return refund.granted or without_tax(refund.amount - refund.credited)


def taxes_of(granted: Mapping[str, Any]) -> dict[str, int]:
    """Return the taxes that a refund has corrected, by rate."""
    return {tax["tax_rate"]: tax["amount"] for tax in granted["taxes"]}


def nets_of(granted: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return how much of the net is treated for tax as which line of the invoice."""
    return [(part["line"], part["net"]) for part in granted.get("parts", ())]


def declared(granted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what is declared: the base and the tax of each rate; what has no tax is of the rate ''.

    A refund from before its parts were kept has no bases, and those of its taxes are worked back.
    """
    if "parts" not in granted:
        return [
            {"tax_rate": rate, "reason": "standard_rated", "base": None, "amount": amount}
            for rate, amount in taxes_of(granted).items()
        ]
    found: dict[str, dict[str, Any]] = {}
    for part in granted["parts"]:
        for tax in part["taxes"] or [{"tax_rate": "", "reason": None, "amount": 0}]:
            at = found.setdefault(tax["tax_rate"], {**tax, "base": 0, "amount": 0})
            at["base"] += part["net"]
            at["amount"] += tax["amount"]
    return list(found.values())


def part_of(granted: Granted, amount: int) -> Granted:
    """Return the part of what was granted that a credit note takes over, in proportion."""
    parts = granted.get("parts", [])
    taxes = granted["taxes"] if "parts" not in granted else []
    amounts = [each for part in parts for each in (part["net"], *(tax["amount"] for tax in part["taxes"]))]
    rest = granted["net"] - sum(part["net"] for part in parts)
    shares = iter(spread(amount, [rest, *amounts, *(tax["amount"] for tax in taxes)]))
    net = next(shares)
    if "parts" not in granted:
        return {"net": net, "taxes": [{**tax, "amount": next(shares)} for tax in taxes]}
    taken = [
        {**part, "net": next(shares), "taxes": [{**tax, "amount": next(shares)} for tax in part["taxes"]]}
        for part in parts
    ]
    return of_parts(granted, net + sum(part["net"] for part in taken), taken)


def rest_of(granted: Granted, taken: Granted) -> Granted:
    """Return what is left of what was granted."""
    net = granted["net"] - taken["net"]
    if "parts" not in taken:
        left = Counter(taxes_of(granted))
        left.subtract(taxes_of(taken))
        taxes = [{**tax, "amount": left[tax["tax_rate"]]} for tax in granted["taxes"]]
        return {**granted, "net": net, "taxes": [tax for tax in taxes if tax["amount"]]}
    parts = [
        {
            **part,
            "net": part["net"] - gone["net"],
            "taxes": [
                {**tax, "amount": tax["amount"] - less["amount"]}
                for tax, less in zip(part["taxes"], gone["taxes"], strict=True)
            ],
        }
        for part, gone in zip(granted["parts"], taken["parts"], strict=True)
    ]
    return of_parts(granted, net, parts)


def of_parts(granted: Granted, net: int, parts: Sequence[Mapping[str, Any]]) -> Granted:
    """Return what was granted with other parts, and the taxes that these come to."""
    amounts = taxes_in(parts)
    taxes = [{**tax, "amount": amounts[tax["tax_rate"]]} for tax in granted["taxes"]]
    return {**granted, "net": net, "taxes": [tax for tax in taxes if tax["amount"]], "parts": [*parts]}
