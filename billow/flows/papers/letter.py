"""Mail an invoice to its customer."""

import logging
from datetime import datetime

from billow.api import rows
from billow.core.errors import Undeliverable
from billow.core.mail_addresses import is_address
from billow.flows.outside.outside import MAIL_PATIENCE, MAIL_SENDING, Outside, outside_of
from billow.flows.papers import invoice_document
from billow.providers.documents import InvoiceDocument, pdf, text
from billow.providers.mail import Message
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

log = logging.getLogger("billow.mail")


@job("invoice.mail", lane="mail", patience=MAIL_PATIENCE)
def mail(tx: Tx, refs: list[str]) -> Steps:
    """Mail a finalized invoice to its customer, with the PDF.

    After a crash it is sent again, with the same message id: a letter that comes twice is better than none.
    Locks the invoice to note why it could not be mailed; emits nothing.
    """
    [invoice] = rows.find_all(tx, Invoice, refs).values()
    if invoice.status in ("draft", "void"):
        return None
    to = address_of(invoice, rows.find(tx, Customer, invoice.customer, deleted=True))
    if not to:
        return None
    outside = outside_of(tx)
    document = invoice_document.document_of(tx, invoice)
    jobs.put(tx, "invoice.mail", invoice.id, tx.wall + MAIL_SENDING, clock="wall")
    tx, fault = yield ask(
        send_letter, outside, document, invoice_document.issued_at(invoice), to, f"<{invoice.id}@billow>"
    )
    jobs.cancel(tx, "invoice.mail", invoice.id)
    if fault:
        log.error("%s invoice %s cannot be mailed: %s", tx.tenant, invoice.id, fault)
    if fault != invoice.mail_error:
        rows.update(tx, rows.lock(tx, Invoice, invoice.id), event=None, mail_error=fault)
    return None


def address_of(invoice: Invoice, customer: Customer) -> str | None:
    """Return the address at finalization, or the customer's current one if that is not an address."""
    known = [address for address in (invoice.customer_email, customer.email) if address]
    return next((address for address in known if is_address(address)), known[0] if known else None)


def send_letter(
    outside: Outside, document: InvoiceDocument, issued: datetime, to: str, name: str
) -> str | None:
    """Send the mail of an invoice; return why it can never be sent, or None if it was sent."""
    if not is_address(to):
        return f"{to!a} is not a mail address."
    try:
        post_letter(outside, document, issued, to, name)
    except Undeliverable as fault:
        return str(fault)
    return None


def post_letter(outside: Outside, document: InvoiceDocument, issued: datetime, to: str, name: str) -> None:
    """Draw the PDF and send the mail, while no transaction is open: a mail server may take seconds."""
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
