"""Name the reason for which a tax is not charged, as papers must say it (Directive 2006/112/EC, art. 226)."""

from collections.abc import Mapping
from typing import Any

from billow.core.place_of_supply import SAME
from billow.core.tax_ids import MEMBERS

BY_TREATMENT = {
    "domestic_reverse_charge": "reverse_charge",
    "eu_goods": "eu_goods",
    "eu_reverse_charge": "reverse_charge",
    "export": "export",
    "export_service": "export_service",
}
"""By how the rules of the European Union treat a sale, which says more than Stripe's reasons."""
BY_REASON = {
    "customer_exempt": "exempt",
    "excluded_territory": "outside_scope",
    "not_subject_to_tax": "outside_scope",
    "product_exempt": "exempt",
    "reverse_charge": "reverse_charge",
    "zero_rated": "zero_rated",
}
"""By the taxability reason of a tax."""
NAMED = ("eu_goods", "export", "export_service", "reverse_charge")
"""Reasons that stand in the place of a tax's name: no country's tax is charged."""
#: The rule of the seller's own law that exempts a sale, beside that of the directive.
NATIONAL = {
    ("DE", "domestic_reverse_charge"): "§ 13b UStG",
    ("DE", "eu_goods"): "§ 4 Nr. 1 Buchst. b UStG",
    ("DE", "eu_reverse_charge"): "§ 3a Abs. 2 UStG",
    ("DE", "export"): "§ 4 Nr. 1 Buchst. a UStG",
    ("DE", "small_enterprise"): "§ 19 UStG",
    ("FR", "domestic_reverse_charge"): "art. 283 du CGI",
    ("FR", "eu_goods"): "art. 262 ter, I du CGI",
    ("FR", "eu_reverse_charge"): "art. 259, 1° du CGI",
    ("FR", "export"): "art. 262, I du CGI",
    ("FR", "small_enterprise"): "art. 293 B du CGI",
}


def reason_of(treatment: str | None, taxability_reason: str | None) -> str | None:
    """Return why a tax is not charged, or None where it is, or where nothing is to be said of it.

    Services to a buyer outside the Union are not exempt there, but taxed elsewhere or nowhere.

    >>> reason_of("export", "zero_rated"), reason_of("export_service", "not_collecting")
    ('export', 'export_service')
    """
    if treatment == "exempt" and taxability_reason == "not_subject_to_tax":
        return "small_enterprise"
    return BY_TREATMENT.get(treatment or "") or BY_REASON.get(taxability_reason or "")


def mention_of(reason: str, seller: str, buyer: str) -> str:
    """Return what the law has papers say of a reason, by the countries of seller and buyer.

    A buyer in another member state owes the tax by art. 196; one at home by the law of that state, and of one
    elsewhere nothing more is known.

    >>> [mention_of("reverse_charge", "FR", buyer) for buyer in ("DE", "FR", "MC", "CH")]
    ['eu_reverse_charge', 'domestic_reverse_charge', 'domestic_reverse_charge', 'reverse_charge']
    """
    if reason != "reverse_charge":
        return reason
    home, there = (SAME.get(one, one) for one in (seller, buyer))
    if home == there:
        return "domestic_reverse_charge"
    return "eu_reverse_charge" if there in MEMBERS else reason


def treatment_in(decision: Mapping[str, Any]) -> str:
    """Return how an invoice's decision treats a sale.

    Those from before services to buyers outside the EU had a treatment of their own call them exports.

    >>> [treatment_in({"treatment": "export", "category": one}) for one in "OG"]
    ['export_service', 'export']
    """
    service = decision["treatment"] == "export" and decision["category"] == "O"
    return "export_service" if service else str(decision["treatment"])


def name_of(reason: str | None) -> str | None:
    """Return the reason under which a tax is listed that is not charged; None where its own name stays."""
    return reason if reason in NAMED else None
