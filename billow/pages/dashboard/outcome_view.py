"""Show what an act leads to: what is charged now, what with the next invoice, and each of their lines."""

from typing import Any

from billow.api.fields import instant
from billow.flows.previews.outcomes import Outcome
from billow.pages.dashboard import layout
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Column, Place

LINES = (Column("Line"), Column("Amount", True))
MOST_LINES = 60


def values(place: Place, outcome: Outcome) -> dict[str, Any]:
    """Return what the panel beside a form shows."""
    now, later = outcome.now, outcome.next
    return {
        "mark": outcome.mark,
        "now": invoice(place, now) if now else None,
        "later": invoice(place, later) if later else None,
        "pending": layout.amount(outcome.pending, outcome.currency).text if outcome.pending else None,
        "ends": layout.when(outcome.ends, place.zone) if outcome.ends else None,
        "charged": amount(now) if now and now["amount_due"] > 0 else None,
        "columns": LINES,
    }


def amount(shown: dict[str, Any]) -> str:
    return layout.amount(shown["amount_due"], shown["currency"]).text


def invoice(place: Place, shown: dict[str, Any]) -> dict[str, Any]:
    """Return an invoice that there is not yet: its lines, how its total comes about, and when it is made."""
    lines = shown["lines"]["data"]
    sent = shown["collection_method"] == "send_invoice"
    return {
        "at": layout.when(instant(shown["created"]), place.zone),
        "due": amount(shown),
        "how": "Mailed as an invoice" if sent else "Charged automatically",
        "lines": [line(place, one) for one in lines[:MOST_LINES]],
        "left_out": max(len(lines) - MOST_LINES, 0),
        "sums": sums(shown),
    }


def line(place: Place, one: dict[str, Any]) -> list[Cell]:
    start, end = (
        layout.when(instant(one["period"][name]), place.zone, day=True) for name in ("start", "end")
    )
    return [
        Cell(one["description"] or "No words", below=f"{start} to {end}" if start != end else start),
        layout.amount(one["amount"], one["currency"]),
    ]


def sums(shown: dict[str, Any]) -> list[tuple[str, Cell]]:
    """Return the steps from the lines to what is due; those of zero are left out."""
    discount = sum(one["amount"] for one in shown["total_discount_amounts"] or [])
    tax = sum(one["amount"] for one in shown["total_taxes"] or [])
    balance = shown["amount_due"] - shown["total"]
    steps = [
        ("Subtotal", shown["subtotal"], shown["subtotal"] != shown["total"]),
        ("Discounts", -discount, bool(discount)),
        ("Tax", tax, bool(tax)),
        ("Total", shown["total"], bool(balance)),
        ("From or to the customer's balance", balance, bool(balance)),
        ("Due", shown["amount_due"], True),
    ]
    return [(name, layout.amount(value, shown["currency"])) for name, value, there in steps if there]
