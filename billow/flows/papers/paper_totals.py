"""Lay out the totals of an invoice, its taxes by rate and reason, and the payments made."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.core import lifecycle, untaxed
from billow.flows.outside.outside import outside_of
from billow.providers.documents import TaxRow, formats, wording
from billow.resources.charge import Charge
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.invoice_payment import InvoicePayment
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_record import PaymentRecord
from billow.store.tx import Tx

BRANDS = {"amex": "American Express", "diners": "Diners Club", "jcb": "JCB", "mastercard": "Mastercard",
          "unionpay": "UnionPay", "visa": "Visa"}  # fmt: skip
NO_TREATMENTS: Mapping[str, str] = {}
Amounts = list[tuple[str, int]]


def totals_of(
    tx: Tx, invoice: Invoice, lines: Sequence[InvoiceLine], labels: Mapping[str, str], locale: str, zone: str
) -> tuple[tuple[str, str], ...]:
    """List the amounts from the subtotal to what is due; leave out what did not apply."""
    credited = invoice.pre_payment_credit_notes_amount if invoice.status != "void" else 0
    applied = invoice.amount_due + credited - invoice.total
    balance = [(wording.say(locale, "balance"), applied)] if applied else []
    balance += [(wording.say(locale, "credit_notes"), -credited)] if credited else []
    paid = payments_of(tx, invoice, locale, zone)
    due = invoice.amount_due - invoice.amount_paid if paid else invoice.amount_due
    left = 0 if invoice.status in ("paid", "void") else due
    shown = [
        *sums_of(invoice, lines, labels, locale),
        *balance,
        *paid,
        (wording.say(locale, "amount_due"), left),
    ]
    return formats.sums(shown, invoice.currency, locale)


def sums_of(
    invoice: Invoice, lines: Sequence[InvoiceLine], labels: Mapping[str, str], locale: str = "en"
) -> Amounts:
    """List the amounts from the subtotal to the total."""
    shown = [(wording.say(locale, "subtotal"), subtotal_of(lines)), *discounts_of(lines, labels)]
    if used := sum(entry["amount"] for line in lines for entry in line.applied_credits):
        shown.append((wording.say(locale, "billing_credits"), -used))
    shown += [(wording.say(locale, "shipping"), line.amount) for line in lines if not line.listed]
    if invoice.total_taxes:
        shown.append((wording.say(locale, "untaxed"), invoice.total_excluding_tax or 0))
        shown += [tax_of(tax, labels, invoice.currency, locale) for tax in invoice.total_taxes]
    return [*shown, (wording.say(locale, "total"), invoice.total)]


def subtotal_of(lines: Sequence[InvoiceLine]) -> int:
    """Add up the lines after their own discounts, as they are shown: with the tax inside, or without it."""
    return sum(
        line.amount
        - sum(entry["amount"] for entry in line.discount_amounts if entry["discount"] in line.discounts)
        for line in lines
        if line.listed
    )


def discounts_of(lines: Sequence[InvoiceLine], labels: Mapping[str, str]) -> Amounts:
    """Add up the discounts of the whole invoice; those of a single line are shown below that line."""
    sums = Counter[str]()
    for line in lines:
        for entry in line.discount_amounts:
            if entry["discount"] not in line.discounts:
                sums[entry["discount"]] += entry["amount"]
    return [(labels[id], -amount) for id, amount in sums.items() if amount and id in labels]


def tax_of(
    tax: Mapping[str, Any], labels: Mapping[str, str], currency: str, locale: str = "en"
) -> tuple[str, int]:
    """Label a tax with its name, percentage and taxable amount (EN 16931, BG-23)."""
    name = name_of(tax, labels, locale)
    inside = (
        f", {wording.say(locale, 'included')}" if tax["tax_behavior"] == "inclusive" and tax["amount"] else ""
    )
    on = formats.money(tax["taxable_amount"] or 0, currency, locale)
    beside = f"{name}: {on}" if locale != "en" else f"{name} on {on}"
    return f"{beside}{inside}", tax["amount"]


def name_of(tax: Mapping[str, Any], labels: Mapping[str, str], locale: str) -> str:
    """Return what a tax is called: as its rate was named when the invoice was issued."""
    rate = (tax.get("tax_rate_details") or {}).get("tax_rate")
    return labels.get(rate or "") or wording.say(locale, "tax")


def taxes_of(
    invoice: Invoice, lines: Sequence[InvoiceLine], labels: Mapping[str, str], locale: str
) -> tuple[TaxRow, ...]:
    """List base and tax per rate and reason; what is not taxed has a row of its own beside what is."""
    if not invoice.total_taxes:
        return ()
    treatments = treatments_of(invoice)
    found = [row_of(tax, labels, invoice.currency, locale, treatments) for tax in invoice.total_taxes]
    bare = sum(line.net for line in lines if not line.taxes)
    if bare:
        nothing = formats.money(0, invoice.currency, locale)
        found.append(
            TaxRow(wording.say(locale, "no_tax"), formats.money(bare, invoice.currency, locale), nothing)
        )
    stated = national_row(invoice.national_tax, locale)
    return (*found, *((TaxRow(stated[0], "", stated[1]),) if stated else ()))


def national_row(kept: Mapping[str, Any] | None, locale: str) -> tuple[str, str] | None:
    """Return the tax in the currency of the seller's tax office, with the rate; None where none is known."""
    if not kept or kept.get("amount") is None:
        return None
    on = formats.short_day(date.fromisoformat(kept["on"]), locale)
    rate = formats.number(Decimal(kept["rate"]), locale)
    code = kept["currency"].upper()
    label = f"{wording.say(locale, 'tax_amount')} {code} (\N{MULTIPLICATION SIGN} {rate}, {on})"
    return label, formats.money(kept["amount"], kept["currency"], locale)


def row_of(
    tax: Mapping[str, Any],
    labels: Mapping[str, str],
    currency: str,
    locale: str,
    treatments: Mapping[str, str] = NO_TREATMENTS,
) -> TaxRow:
    name, reason = (
        name_of(tax, labels, locale),
        untaxed.reason_of(treatment_of(tax, treatments), reason_in(tax)),
    )
    short = untaxed.name_of(reason)
    listed = short is not None and name.startswith(wording.say(locale, f"name_{short}"))
    said = f"{name}, {wording.say(locale, reason).rstrip('.')}" if reason and not listed else name
    base = formats.money(tax["taxable_amount"] or 0, currency, locale)
    return TaxRow(said, base, formats.money(tax["amount"], currency, locale))


def treatments_of(invoice: Invoice) -> dict[str, str]:
    """Return how automatic tax treats what each rate of an invoice is for."""
    decided = (invoice.tax_decision or {}).get("decisions") or []
    return {rate: untaxed.treatment_in(one) for one in decided for rate in one.get("rates") or []}


def treatment_of(tax: Mapping[str, Any], treatments: Mapping[str, str]) -> str | None:
    return treatments.get((tax.get("tax_rate_details") or {}).get("tax_rate") or "")


def reason_in(tax: Mapping[str, Any]) -> str | None:
    return tax.get("taxability_reason")


def mentions_of(invoice: Invoice, locale: str, country: str) -> tuple[str, ...]:
    """Return what the law wants to be said of taxes that are not charged, each once."""
    treatments = treatments_of(invoice)
    reasons = [
        untaxed.reason_of(treatment_of(tax, treatments), reason_in(tax)) for tax in invoice.total_taxes
    ]
    if not invoice.total_taxes and invoice.customer_tax_exempt == "exempt":
        reasons = ["exempt"]
    if not invoice.total_taxes and invoice.customer_tax_exempt == "reverse":
        reasons = ["reverse_charge"]
    buyer = (invoice.customer_address or {}).get("country") or ""
    said = [untaxed.mention_of(one, country, buyer) for one in reasons if one]
    return tuple(wording.mention(locale, one, country) for one in dict.fromkeys(said))


# ------------------------------------------------------------------------------------- payments


def payments_of(tx: Tx, invoice: Invoice, locale: str, zone: str) -> Amounts:
    """List the payments made, with their dates and methods, and what was paid in other ways."""
    if not invoice.amount_paid:
        return []
    paid = rows.select(
        tx,
        InvoicePayment,
        "invoice = %(id)s and status = 'paid'",
        "order by paid_at, created, id",
        id=invoice.id,
    )
    intents = rows.find_many(tx, PaymentIntent, [one.payment_intent for one in paid if one.payment_intent])
    records = rows.find_many(tx, PaymentRecord, [one.payment_record for one in paid if one.payment_record])
    charges = rows.find_many(tx, Charge, [intent.latest_charge or "" for intent in intents.values()])
    shown = []
    for one in paid:
        intent = intents.get(one.payment_intent or "")
        charge = charges.get((intent.latest_charge if intent else None) or "")
        method = method_of(charge.payment_method_details if charge else None, locale)
        method = method or reported(records.get(one.payment_record or ""))
        on = formats.short_day(formats.local(one.paid_at or one.created, zone).date(), locale)
        said = wording.say(locale, "payment", day=on)
        shown.append((f"{said}, {method}" if method else said, -(one.amount_paid or 0)))
    other = invoice.amount_paid + sum(amount for _, amount in shown)
    if other:
        at = invoice.paid_at
        on = formats.short_day(formats.local(at, zone).date(), locale) if at else ""
        label = wording.say(locale, "payment", day=on) if on else wording.say(locale, "amount_paid")
        shown.append((label, -other))
    return shown


def reported(record: PaymentRecord | None) -> str:
    """Return how money came that was reported, and the reference by which it is found."""
    if record is None:
        return ""
    method = ((record.payment_method_details or {}).get("custom") or {}).get("display_name")
    reference = (record.processor_details.get("custom") or {}).get("payment_reference")
    return ", ".join(text for text in (method, reference) if text)


def method_of(details: Mapping[str, Any] | None, locale: str) -> str:
    """Return how something was paid, in words."""
    kind = (details or {}).get("type") or ""
    part = (details or {}).get(kind) or {}
    if kind == "card" and part:
        brand = str(part.get("brand") or "")
        name = BRANDS.get(brand, brand.replace("_", " ").capitalize())
        return wording.say(locale, "card_ending", brand=name, last4=part.get("last4") or "")
    if kind in ("customer_balance", "bank_transfer"):
        return wording.say(locale, "by_bank")
    return wording.say(locale, "by_debit") if kind.endswith("_debit") else kind.replace("_", " ")


def pay_address(tx: Tx, invoice: Invoice) -> str:
    """Return the page on which an invoice can be paid, while there is something to pay."""
    owes = invoice.amount_due > invoice.amount_paid and invoice.status in lifecycle.PAYABLE
    found = invoice.hosted_invoice_url if owes else None
    return found if found and outside_of(tx).base_url else ""
