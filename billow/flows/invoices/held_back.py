"""Keep drafts whose automatic tax cannot be decided: nothing is billed rather than too little tax."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from billow.api import rows
from billow.core.errors import Refused
from billow.flows.invoices.sheet import Sheet
from billow.flows.taxes.params import no_location
from billow.resources.invoice import Invoice
from billow.store import jobs
from billow.store.tx import Tx

FAILURES = ("failed", "requires_location_inputs")
LEAST, MOST = timedelta(hours=1), timedelta(days=1)


def is_held_back(invoice: Invoice) -> bool:
    """Tell whether the taxes of a draft could not be decided."""
    return bool(invoice.automatic_tax["enabled"]) and invoice.automatic_tax["status"] in FAILURES


def refusal_of(invoice: Invoice) -> Refused:
    """Return the error of finalizing a draft whose taxes could not be decided."""
    if invoice.automatic_tax["status"] == "requires_location_inputs":
        return no_location()
    why = (invoice.tax_decision or {}).get("why") or "The tax source does not answer."
    return Refused(f"The taxes could not be calculated: {why}", code="taxes_calculation_failed")


def keep_as_drafts(tx: Tx, sheets: Sequence[Sheet]) -> list[Invoice]:
    """Write why these drafts were not finalized; those that advance automatically are tried again later.

    Emits `invoice.updated` and `invoice.finalization_failed`.
    """
    for sheet in sheets:
        sheet.changes["last_finalization_error"] = error_of(sheet.invoice)
        if sheet.invoice.auto_advance or sheet.invoice.automatically_finalizes_at:
            later = tx.now + pause(sheet.invoice.created, tx.now)
            sheet.changes["automatically_finalizes_at"] = later
    kept = rows.update_many(tx, [(sheet.invoice, sheet.changes) for sheet in sheets])
    rows.emit(tx, [(invoice, None) for invoice in kept], "invoice.finalization_failed")
    again = [(one.id, one.automatically_finalizes_at) for one in kept if one.automatically_finalizes_at]
    for id, _ in again:
        jobs.cancel(tx, "invoice.finalize", id)
    jobs.put_many(tx, "invoice.finalize", again)
    return kept


def pause(created: datetime, now: datetime) -> timedelta:
    """Return how long a draft waits for the next try: as long as it has waited so far, an hour to a day."""
    return min(max(now - created, LEAST), MOST)


def error_of(invoice: Invoice) -> dict[str, Any]:
    """Return the error that an invoice shows."""
    refused = refusal_of(invoice)
    error: dict[str, Any] = refused.body()["error"]
    return error
