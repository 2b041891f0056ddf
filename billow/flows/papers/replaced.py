"""Name the invoice that another one replaces, and the one that has replaced it, as papers say it."""

from datetime import date

from billow.api import rows
from billow.flows.outside.seller import seller_at
from billow.providers.documents import formats, wording
from billow.resources.invoice import Invoice
from billow.store.tx import Tx


def original_of(tx: Tx, invoice: Invoice) -> Invoice | None:
    """Return the invoice that this one revises."""
    id = (invoice.from_invoice or {}).get("invoice") or ""
    return rows.find_many(tx, Invoice, [id]).get(id)


def revision_of(tx: Tx, invoice: Invoice) -> Invoice | None:
    """Return the invoice that has replaced this one."""
    id = invoice.latest_revision or ""
    return rows.find_many(tx, Invoice, [id]).get(id)


def reference(tx: Tx, invoice: Invoice) -> tuple[str, date] | None:
    """Return the number and date of the invoice that this one replaces (BT-25, BT-26)."""
    original = original_of(tx, invoice)
    if original is None:
        return None
    zone = seller_at(tx, original.seller_version).time_zone
    return original.number or "", formats.local(original.effective_at or original.created, zone).date()


def said_of(tx: Tx, invoice: Invoice, locale: str) -> tuple[str, ...]:
    """Say what an invoice replaces (art. 219 of Directive 2006/112/EC), and what has replaced it."""
    named, revision = reference(tx, invoice), revision_of(tx, invoice)
    said = []
    if named:
        on = formats.day(named[1], locale)
        said.append(f"{wording.say(locale, 'replaces', number=named[0], day=on)}.")
    if revision:
        said.append(f"{wording.say(locale, 'replaced_by', number=revision.number)}.")
    return tuple(said)
