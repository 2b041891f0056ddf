"""An invoice as a paper: what stands on it, where it can be seen, and the letter that carries it."""

import base64
import hashlib
import hmac
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from billow.api import rows
from billow.api.fields import plain
from billow.core.errors import Undeliverable
from billow.core.mail_addresses import is_address
from billow.core.money import show
from billow.flows import reckon
from billow.flows.outside import Outside, of
from billow.providers.documents import DocumentLine, InvoiceDocument, Party, pdf, text
from billow.providers.mail import Message
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

PATIENCE = timedelta(days=3)
"""For how long a letter is tried again that no mail server takes."""
SENDING = timedelta(minutes=15)
"""Longer than the sending of a letter can last (providers/mail/smtp.py)."""
log = logging.getLogger("billow.mail")

# ------------------------------------------------------------------------------------- where it can be seen


def seal(outside: Outside, tenant: str, id: str, kind: str = "invoice") -> str:
    """What makes the address of a hosted paper unguessable: a keyed hash of whose it is."""
    assert outside.secret, "links cannot be signed without the installation's secret"
    digest = hmac.new(outside.secret, f"{kind} {tenant} {id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()


def url_of(tx: Tx, invoice: str) -> str:
    """The public address of an invoice; /pdf below it is the file."""
    outside = of(tx)
    return f"{outside.base_url}/i/{tx.tenant}/{invoice}/{seal(outside, tx.tenant, invoice)}"


def opens(outside: Outside, tenant: str, id: str, given: str, kind: str = "invoice") -> bool:
    """Whether an address ends in the right seal, which a caller may have written in any letters."""
    return hmac.compare_digest(seal(outside, tenant, id, kind).encode(), given.encode())


# ------------------------------------------------------------------------------------- what stands on it


def document_of(tx: Tx, invoice: Invoice) -> InvoiceDocument:
    """The paper of an invoice, from what was frozen when it was finalized: the same at any later time."""
    outside = of(tx)
    lines = rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id)
    labels = labels_of(tx, invoice, lines)
    issued = invoice.finalized_at or invoice.created
    return InvoiceDocument(
        kind="invoice",
        number=invoice.number or "draft",
        status=invoice.status,
        currency=invoice.currency.upper(),
        issued_on=issued.date(),
        due_on=invoice.due_date.date() if invoice.due_date else None,
        seller=Party(
            outside.seller_name or invoice.account_name or "",
            outside.mail_from,
            outside.seller_address,
            (outside.seller_tax_id,) if outside.seller_tax_id else (),
        ),
        buyer=buyer_of(invoice),
        lines=tuple(line_of(line, labels) for line in lines),
        totals=totals_of(invoice, lines, labels),
        notes=(invoice.description,) if invoice.description else (),
        footer=invoice.footer,
        reverse_charge=any(tax["taxability_reason"] == "reverse_charge" for tax in invoice.total_taxes),
    )


def labels_of(tx: Tx, invoice: Invoice, lines: Sequence[InvoiceLine]) -> dict[str, str]:
    """How discounts and tax rates were called when it was finalized; of a draft, how they are called now."""
    if invoice.status != "draft":
        return invoice.labels
    return reckon.labels(invoice, reckon.terms_of(tx, [invoice], lines))


def buyer_of(invoice: Invoice) -> Party:
    address = invoice.customer_address or {}
    city = " ".join(part for part in (address.get("postal_code"), address.get("city")) if part)
    lines = (address.get("line1"), address.get("line2"), city, address.get("state"), address.get("country"))
    return Party(
        invoice.customer_name or invoice.customer_email or invoice.customer,
        invoice.customer_email,
        tuple(line for line in lines if line),
    )


def line_of(line: InvoiceLine, labels: dict[str, str]) -> DocumentLine:
    unit = line.unit_amount_decimal
    return DocumentLine(
        description=line.description or "",
        quantity=plain(line.quantity_decimal) if line.quantity_decimal is not None else "",
        unit_amount=show(unit, line.currency) if unit is not None else "",
        amount=show(line.amount, line.currency),
        period=period_text(line.period_start, line.period_end),
        reductions=tuple(
            (labels[entry["discount"]], show(-entry["amount"], line.currency))
            for entry in line.discount_amounts
            if entry["discount"] in line.discounts
        ),
    )


def period_text(start: datetime, end: datetime) -> str | None:
    if start == end:
        return None
    return f"{start.day} {start:%b %Y} \N{EN DASH} {end.day} {end:%b %Y}"


def totals_of(
    invoice: Invoice, lines: Sequence[InvoiceLine], labels: dict[str, str]
) -> tuple[tuple[str, str], ...]:
    """From the subtotal to what is due; discounts, taxes and the balance only where they took part."""
    used = invoice.amount_due - invoice.total
    balance = [("Applied balance", used)] if used else []
    shown = [*sums_of(invoice, lines, labels), *balance, ("Amount due", invoice.amount_due)]
    return tuple((label, show(amount, invoice.currency)) for label, amount in shown)


def sums_of(invoice: Invoice, lines: Sequence[InvoiceLine], labels: dict[str, str]) -> list[tuple[str, int]]:
    """From the subtotal to the total."""
    shown = [("Subtotal", invoice.subtotal), *discounts_of(lines, labels)]
    if invoice.total_taxes:
        shown.append(("Total excluding tax", invoice.total_excluding_tax or 0))
        shown += [tax_of(tax, labels, invoice.currency) for tax in invoice.total_taxes]
    return [*shown, ("Total", invoice.total)]


def discounts_of(lines: Sequence[InvoiceLine], labels: dict[str, str]) -> list[tuple[str, int]]:
    """What is taken off the whole; what is taken off one line alone stands below that line."""
    sums = Counter[str]()
    for line in lines:
        for entry in line.discount_amounts:
            if entry["discount"] not in line.discounts:
                sums[entry["discount"]] += entry["amount"]
    return [(labels[id], -amount) for id, amount in sums.items() if amount and id in labels]


def tax_of(tax: dict[str, Any], labels: dict[str, str], currency: str) -> tuple[str, int]:
    """Its name and percentage, and what it is reckoned on (EN 16931, BG-23)."""
    name = labels[tax["tax_rate_details"]["tax_rate"]]
    inside = ", included" if tax["tax_behavior"] == "inclusive" and tax["amount"] else ""
    return f"{name} on {show(tax['taxable_amount'], currency)}{inside}", tax["amount"]


def issued_at(invoice: Invoice) -> datetime:
    """When the paper was made, in whole seconds as a PDF has them."""
    return (invoice.finalized_at or invoice.created).replace(microsecond=0)


# ------------------------------------------------------------------------------------- the letter


@job("invoice.mail", lane="mail", patience=PATIENCE)
def mail(tx: Tx, refs: list[str]) -> Steps:
    """Send a finalized invoice to the customer's address, with the PDF. The same letter has the same id.

    Should we die over it, it is sent again: a letter that comes twice is better than one that never comes.
    """
    [invoice] = rows.find_all(tx, Invoice, refs).values()
    if invoice.status in ("draft", "void"):
        return None
    to = address_of(invoice, rows.find(tx, Customer, invoice.customer, deleted=True))
    if not to:
        return None
    outside = of(tx)
    document = document_of(tx, invoice)
    jobs.put(tx, "invoice.mail", invoice.id, tx.wall + SENDING, clock="wall")
    tx, fault = yield ask(send_letter, outside, document, issued_at(invoice), to, f"<{invoice.id}@billow>")
    jobs.cancel(tx, "invoice.mail", invoice.id)
    if fault:
        log.error("%s invoice %s cannot be mailed: %s", tx.tenant, invoice.id, fault)
    if fault != invoice.mail_error:
        rows.update(tx, rows.lock(tx, Invoice, invoice.id), event=None, mail_error=fault)
    return None


def address_of(invoice: Invoice, customer: Customer) -> str | None:
    """The address at finalization, or that of today where the old one is no address."""
    known = [address for address in (invoice.customer_email, customer.email) if address]
    return next((address for address in known if is_address(address)), known[0] if known else None)


def send_letter(
    outside: Outside, document: InvoiceDocument, issued: datetime, to: str, name: str
) -> str | None:
    """Send the mail of an invoice; return why it can never be sent, or None when it was."""
    if not is_address(to):
        return f"{to!a} is not a mail address."
    try:
        post_letter(outside, document, issued, to, name)
    except Undeliverable as fault:
        return str(fault)
    return None


def post_letter(outside: Outside, document: InvoiceDocument, issued: datetime, to: str, name: str) -> None:
    """Drawn and sent outside the database: a page takes some milliseconds, a mail server may take seconds."""
    seller = document.seller.name or "billow"
    outside.mailer.send(
        Message(
            to=to,
            sender=outside.mail_from,
            subject=f"Invoice {document.number} from {seller}",
            text=text.render(document),
            html=None,
            message_id=name,
            sent_at=issued,
            attachments=((f"{document.number}.pdf", "application/pdf", pdf.render(document, issued)),),
        )
    )
