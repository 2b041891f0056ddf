"""An invoice as a paper: what stands on it, where it can be seen, and the letter that carries it."""

import base64
import hashlib
import hmac
from datetime import datetime

from billow.api import rows
from billow.api.fields import plain
from billow.core.money import show
from billow.flows.outside import Outside, of
from billow.providers.documents import DocumentLine, InvoiceDocument, Party, pdf, text
from billow.providers.mail import Message
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

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
    return hmac.compare_digest(seal(outside, tenant, id, kind), given)


# ------------------------------------------------------------------------------------- what stands on it


def document_of(tx: Tx, invoice: Invoice) -> InvoiceDocument:
    """The paper of an invoice, from what was frozen when it was finalized: the same at any later time."""
    outside = of(tx)
    lines = rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id)
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
        lines=tuple(line_of(line) for line in lines),
        totals=totals_of(invoice),
        notes=(invoice.description,) if invoice.description else (),
        footer=invoice.footer,
    )


def buyer_of(invoice: Invoice) -> Party:
    address = invoice.customer_address or {}
    city = " ".join(part for part in (address.get("postal_code"), address.get("city")) if part)
    lines = (address.get("line1"), address.get("line2"), city, address.get("state"), address.get("country"))
    return Party(
        invoice.customer_name or invoice.customer_email or invoice.customer,
        invoice.customer_email,
        tuple(line for line in lines if line),
    )


def line_of(line: InvoiceLine) -> DocumentLine:
    unit = line.unit_amount_decimal
    return DocumentLine(
        description=line.description or "",
        quantity=plain(line.quantity_decimal) if line.quantity_decimal is not None else "",
        unit_amount=show(unit, line.currency) if unit is not None else "",
        amount=show(line.amount, line.currency),
        period=period_text(line.period_start, line.period_end),
    )


def period_text(start: datetime, end: datetime) -> str | None:
    if start == end:
        return None
    return f"{start.day} {start:%b %Y} \N{EN DASH} {end.day} {end:%b %Y}"


def totals_of(invoice: Invoice) -> tuple[tuple[str, str], ...]:
    """From the subtotal to what is due; the balance only where it took part."""
    used = invoice.amount_due - invoice.total
    shown = [("Subtotal", invoice.subtotal), ("Total", invoice.total)]
    if used:
        shown.append(("Applied balance", used))
    shown.append(("Amount due", invoice.amount_due))
    return tuple((label, show(amount, invoice.currency)) for label, amount in shown)


def issued_at(invoice: Invoice) -> datetime:
    """When the paper was made, in whole seconds as a PDF has them."""
    return (invoice.finalized_at or invoice.created).replace(microsecond=0)


def pdf_of(tx: Tx, invoice: Invoice) -> bytes:
    return pdf.render(document_of(tx, invoice), issued_at(invoice))


# ------------------------------------------------------------------------------------- the letter


@job("invoice.mail", lane="outside")
def mail(tx: Tx, refs: list[str]) -> Steps:
    """Send a finalized invoice to the customer's address, with the PDF. The same letter has the same id."""
    [id] = refs
    invoice = rows.find_many(tx, Invoice, [id]).get(id)
    if invoice is None or invoice.status in ("draft", "void"):
        return None
    to = invoice.customer_email or rows.find(tx, Customer, invoice.customer, deleted=True).email
    if not to:
        return None
    outside = of(tx)
    document = document_of(tx, invoice)
    yield ask(post_letter, outside, document, issued_at(invoice), to, f"<{invoice.id}@billow>")
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
