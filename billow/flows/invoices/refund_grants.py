"""Decide how a refund without a credit note is booked: as goodwill, with the tax in proportion.

A refund lowers what the customer paid for a supply, and with it the tax of the supply (art. 90 of Directive
2006/112). Its part of each tax of the invoice is taken back, as much as the refund is of what is left of the
total; the rest is goodwill, since the service goes on.
"""

from collections.abc import Mapping
from typing import Any

from billow.core.credit_notes import minus, spread
from billow.flows.billing import totals
from billow.flows.invoices.credit_amounts import Case
from billow.resources.refund import Refund

Granted = dict[str, Any]
"""The net that a refund grants, and of each tax its rate, its jurisdiction and its amount."""


def of_part(case: Case, amount: int) -> Granted:
    """Split a refund of what was paid for an invoice into its net and its taxes.

    What exceeds the invoice, such as a debt of the balance that was paid with it, has no tax.
    """
    left = {rate: tax for rate, tax in case.taxes.items() if tax and rate in case.rates}
    net = sum(case.nets.values()) - case.granted
    most = net + sum(left.values())
    if not left or most <= 0:
        return without_tax(amount)
    shares = spread(min(amount, most), [net, *left.values()])
    corrected = {rate: share for rate, share in zip(left, shares[1:], strict=True) if share}
    taxes = [
        {"tax_rate": rate, "jurisdiction": totals.jurisdiction(case.rates[rate]), "amount": share}
        for rate, share in corrected.items()
    ]
    return {"net": amount - sum(corrected.values()), "taxes": taxes}


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


def part_of(granted: Granted, amount: int) -> Granted:
    """Return the part of what was granted that a credit note takes over, in proportion."""
    taxes = granted["taxes"]
    net, *shares = spread(amount, [granted["net"], *(tax["amount"] for tax in taxes)])
    return {"net": net, "taxes": [{**tax, "amount": share} for tax, share in zip(taxes, shares, strict=True)]}


def rest_of(granted: Granted, taken: Granted) -> Granted:
    """Return what is left of what was granted."""
    left = minus(taxes_of(granted), taxes_of(taken))
    taxes = [{**tax, "amount": left[tax["tax_rate"]]} for tax in granted["taxes"]]
    return {"net": granted["net"] - taken["net"], "taxes": [tax for tax in taxes if tax["amount"]]}
