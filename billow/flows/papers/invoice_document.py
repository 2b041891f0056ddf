"""Lay out an invoice as a document: parties, lines, totals, notes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.api.fields import plain
from billow.core import addresses, lifecycle
from billow.core.bank import epc_qr, references
from billow.core.bank.seller import SellerAccount
from billow.core.money import show
from billow.core.seller import Seller
from billow.core.tax_ids import on_documents
from billow.flows.billing import totals
from billow.flows.customers import tax_ids
from billow.flows.outside.seller import seller_at
from billow.providers.documents import DocumentLine, InvoiceDocument, Party, Transfer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.store.tx import Tx


def document_of(tx: Tx, invoice: Invoice) -> InvoiceDocument:
    """Lay out an invoice from what was stored at finalization, so that it never changes afterwards."""
    seller = seller_of_invoice(tx, invoice)
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
        seller=seller_party(seller),
        buyer=buyer_of(invoice),
        lines=tuple(line_of(line, labels) for line in lines),
        totals=totals_of(invoice, lines, labels),
        notes=(invoice.description,) if invoice.description else (),
        footer=invoice.footer,
        transfer=transfer_of(seller.account, invoice),
        reverse_charge=any(tax["taxability_reason"] == "reverse_charge" for tax in invoice.total_taxes),
    )


def seller_of_invoice(tx: Tx, invoice: Invoice) -> Seller:
    """Return the seller as the invoice was issued by, with the tax ids that the invoice names."""
    seller = seller_at(tx, invoice.seller_version)
    if not invoice.account_tax_ids:
        return seller
    kept = invoice.labels if invoice.status != "draft" else tax_ids.of_sellers(tx, [invoice])
    named = [kept[id].partition(" ")[::2] for id in invoice.account_tax_ids if id in kept]
    return replace(seller, tax_ids=tuple(named), tax_number="")


def seller_party(seller: Seller) -> Party:
    """Return the seller as papers name it."""
    lines = addresses.lines(seller.address) if seller.address else seller.address_lines
    numbers = tuple(on_documents(type, value) for type, value in seller.tax_ids)
    return Party(
        seller.name, seller.email or None, lines, numbers or tuple(filter(None, [seller.tax_number]))
    )


def transfer_of(account: SellerAccount | None, invoice: Invoice) -> Transfer | None:
    """Return how to pay an open invoice by bank transfer: with a QR code where it is in euros."""
    if account is None or invoice.payment_number is None or invoice.status not in lifecycle.PAYABLE:
        return None
    remaining = invoice.amount_due - invoice.amount_paid
    reference = references.reference(account.reference, invoice.payment_number)
    in_euros = invoice.currency == "eur" and 0 < remaining <= epc_qr.LARGEST_AMOUNT
    # The field of the code is for RF references only.
    rf = references.rf(invoice.payment_number)
    qr = epc_qr.payload(account.holder, account.iban, remaining, rf) if in_euros else ""
    return Transfer(account.holder, account.iban, reference, account.bic, account.bankgiro, qr)


def labels_of(tx: Tx, invoice: Invoice, lines: Sequence[InvoiceLine]) -> dict[str, str]:
    """Return the names of discounts and tax rates at finalization; of a draft, their names now."""
    if invoice.status != "draft":
        return invoice.labels
    return totals.labels(invoice, totals.terms_of(tx, [invoice], lines))


def buyer_of(invoice: Invoice) -> Party:
    """Return the customer of an invoice, with the name and address that the invoice keeps."""
    address = invoice.customer_address or {}
    city = " ".join(part for part in (address.get("postal_code"), address.get("city")) if part)
    lines = (address.get("line1"), address.get("line2"), city, address.get("state"), address.get("country"))
    return Party(
        invoice.customer_name or invoice.customer_email or invoice.customer,
        invoice.customer_email,
        tuple(line for line in lines if line),
        tuple(on_documents(one["type"], one["value"]) for one in invoice.customer_tax_ids or []),
    )


def line_of(line: InvoiceLine, labels: dict[str, str]) -> DocumentLine:
    """Lay out an invoice line, with the discounts that apply to it alone."""
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
    """Write a period as two dates; None if it has no length."""
    if start == end:
        return None
    return f"{start.day} {start:%b %Y} \N{EN DASH} {end.day} {end:%b %Y}"


def totals_of(
    invoice: Invoice, lines: Sequence[InvoiceLine], labels: dict[str, str]
) -> tuple[tuple[str, str], ...]:
    """List the amounts from the subtotal to the amount due; leave out what did not apply."""
    applied = invoice.amount_due - invoice.total
    balance = [("Applied balance", applied)] if applied else []
    partly = 0 < invoice.amount_paid < invoice.amount_due
    paid = [("Amount paid", -invoice.amount_paid)] if partly else []
    remaining = [("Amount remaining", invoice.amount_due - invoice.amount_paid)] if partly else []
    due = ("Amount due", invoice.amount_due)
    shown = [*sums_of(invoice, lines, labels), *balance, due, *paid, *remaining]
    return tuple((label, show(amount, invoice.currency)) for label, amount in shown)


def sums_of(invoice: Invoice, lines: Sequence[InvoiceLine], labels: dict[str, str]) -> list[tuple[str, int]]:
    """List the amounts from the subtotal to the total."""
    shown = [("Subtotal", invoice.subtotal), *discounts_of(lines, labels)]
    if invoice.total_taxes:
        shown.append(("Total excluding tax", invoice.total_excluding_tax or 0))
        shown += [tax_of(tax, labels, invoice.currency) for tax in invoice.total_taxes]
    return [*shown, ("Total", invoice.total)]


def discounts_of(lines: Sequence[InvoiceLine], labels: dict[str, str]) -> list[tuple[str, int]]:
    """Add up the discounts of the whole invoice; those of a single line are shown below that line."""
    sums = Counter[str]()
    for line in lines:
        for entry in line.discount_amounts:
            if entry["discount"] not in line.discounts:
                sums[entry["discount"]] += entry["amount"]
    return [(labels[id], -amount) for id, amount in sums.items() if amount and id in labels]


def tax_of(tax: dict[str, Any], labels: dict[str, str], currency: str) -> tuple[str, int]:
    """Label a tax with its name, percentage and taxable amount (EN 16931, BG-23)."""
    name = labels[tax["tax_rate_details"]["tax_rate"]]
    inside = ", included" if tax["tax_behavior"] == "inclusive" and tax["amount"] else ""
    return f"{name} on {show(tax['taxable_amount'], currency)}{inside}", tax["amount"]


def issued_at(invoice: Invoice) -> datetime:
    """Return when the document was issued, in whole seconds as a PDF has them."""
    return (invoice.finalized_at or invoice.created).replace(microsecond=0)
