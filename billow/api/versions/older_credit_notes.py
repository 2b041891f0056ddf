"""2025-03-31.basil: credit notes list their refunds, and their taxes by the same form as invoices."""

from typing import Any

from billow.api.versions.change import Renamed, Sent, View, exclusive
from billow.api.versions.v2025_03_31_basil import CHANGE, id_of, shown_taxes

__all__ = ["CHANGE"]
OPERATIONS = ("POST /v1/credit_notes", "GET /v1/credit_notes/preview", "GET /v1/credit_notes/preview/lines")

CHANGE.expands["credit_note"] = {"refund": "refund", "tax_amounts.tax_rate": "tax_rate"}
CHANGE.expands["credit_note_line_item"] = {"tax_amounts.tax_rate": "tax_rate"}


@CHANGE.shows("credit_note")
def refund_of_credit_note(view: View) -> None:
    """Show the first refund of a credit note in `refund`, which `refunds` lists now."""
    parts: list[dict[str, Any]] = view["refunds"]
    view["refund"] = id_of(parts[0]["refund"]) if parts else None


@CHANGE.shows("credit_note")
def type_of_credit_note(view: View) -> None:
    """Show a credit note of both kinds as `post_payment`: older versions do not know `mixed`."""
    view["type"] = "post_payment" if view["type"] == "mixed" else view["type"]


@CHANGE.shows("credit_note")
def taxes_of_credit_note(view: View) -> None:
    """Show `tax_amounts` of a credit note, which `total_taxes` lists now."""
    view["tax_amounts"] = shown_taxes(view["total_taxes"])


@CHANGE.shows("credit_note_line_item")
def taxes_of_credit_note_line(view: View) -> None:
    """Show `tax_amounts` and the amounts without tax of a line of a credit note."""
    taxes = view["taxes"]
    view["tax_amounts"] = shown_taxes(taxes)
    inside = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")
    view["amount_excluding_tax"] = view["amount"] - inside


@CHANGE.reads(*OPERATIONS)
def refund_to_link(sent: Sent) -> Renamed:
    """Take `refund` of a credit note, which is one of `refunds` now."""
    if "refund" not in sent:
        return None
    if "refunds" in sent:
        raise exclusive("refund", "refunds")
    sent["refunds"] = [{"refund": sent.pop("refund")}]
    return {"refunds[0][refund]": "refund"}
