"""Explain how an invoice came to be: periods, usage, tiers, rounding, and every transfer."""

from datetime import datetime

from billow.api import rows
from billow.api.fields import plain
from billow.core import pricing, untaxed
from billow.core.money import show
from billow.flows.billing import priced_items
from billow.flows.papers import invoice_document
from billow.flows.taxes import registered
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.meter import Meter
from billow.resources.price import Price
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


def explain(tx: Tx, invoice: Invoice) -> list[str]:
    """Explain an invoice in lines of text.

    The amounts are calculated again from what is stored, with the functions that bill.
    """
    lines = rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id)
    prices = rows.find_many(tx, Price, [line.price for line in lines if line.price])
    meters = rows.find_many(tx, Meter, [priced_items.meter_of(price) or "" for price in prices.values()])
    labels = invoice_document.labels_of(tx, invoice, lines)
    text = explain_header(tx, invoice)
    for line in lines:
        price = prices.get(line.price or "")
        text += ["", f"  {line.description or line.id}"]
        if line.period_start != line.period_end:
            text.append(f"    period     {at(line.period_start)} to {at(line.period_end)}")
        if price and line.usage is not None:
            meter = meters[priced_items.meter_of(price) or ""]
            formula = meter.default_aggregation["formula"]
            each = f" (the last event of each {meter.event_time_window})" if meter.event_time_window else ""
            text.append(f"    usage      {plain(line.usage)}, the {formula} of {meter.event_name}{each}")
        if price:
            text += explain_rating(line, price)
        text.append(f"    amount     {show(line.amount, line.currency)}")
        text += explain_discounts_and_taxes(line, labels)
    return text + explain_totals(tx, invoice, labels) + warnings(tx, invoice)


def warnings(tx: Tx, invoice: Invoice) -> list[str]:
    """Say what papers with tax lack of the seller, as it is now."""
    taxed = any(tax["amount"] for tax in invoice.total_taxes)
    return [f"  warning      {one}" for one in registered.lacking(tx)] if taxed else []


def explain_discounts_and_taxes(line: InvoiceLine, labels: dict[str, str]) -> list[str]:
    """Explain the discounts and taxes of a line, and the net amount, which becomes revenue."""
    text = [
        f"    discount   {labels.get(entry['discount'], entry['discount'])}"
        f" = {show(-entry['amount'], line.currency)}, {discount_scope(entry['discount'] in line.discounts)}"
        for entry in line.discount_amounts
    ]
    text += [
        f"    tax        {labels[tax['tax_rate_details']['tax_rate']]} {tax['tax_behavior']},"
        f" on {show(tax['taxable_amount'], line.currency)} = {show(tax['amount'], line.currency)}"
        for tax in line.taxes
    ]
    return [*text, f"    net        {show(line.net, line.currency)}"] if text else []


def discount_scope(own: bool) -> str:
    return "of the line" if own else "of the invoice"


def explain_header(tx: Tx, invoice: Invoice) -> list[str]:
    customer = rows.find(tx, Customer, invoice.customer, deleted=True)
    subscription = rows.find_many(tx, Subscription, [invoice.subscription or ""]).get(
        invoice.subscription or ""
    )
    text = [
        f"Invoice {invoice.number or '(draft)'}  {invoice.id}  {invoice.status}",
        f"  customer     {customer.name or customer.email or ''} {customer.id}",
        f"  because      {invoice.billing_reason}",
        f"  created      {at(invoice.created)}",
        f"  finalized    {at(invoice.finalized_at) if invoice.finalized_at else 'not yet'}",
        f"  period       {at(invoice.period_start)} to {at(invoice.period_end)}",
    ]
    if subscription:
        text.insert(
            3, f"  subscription {subscription.id}, anchored at {at(subscription.billing_cycle_anchor)}"
        )
    return text


def explain_rating(line: InvoiceLine, price: Price) -> list[str]:
    """Explain how the price turned the quantity into the amount of this line, and where it was rounded."""
    if line.kind == "trial" or line.quantity_decimal is None:
        return []
    quantity = line.usage if line.usage is not None else line.quantity_decimal
    text = []
    for charge in pricing.charges(priced_items.rate_of(price, line.currency), quantity):
        if charge.tier != line.tier:
            continue
        if charge.tier is not None:
            text.append(f"    tier       {charge.tier + 1} of {len(price.tiers or [])}, {price.tiers_mode}")
        elif price.transform_quantity:
            per = price.transform_quantity
            text.append(
                f"    packages   {plain(quantity)} in packages of {per['divide_by']}, rounded {per['round']}"
            )
        flat = f" + {plain(charge.flat_amount)} flat" if charge.flat_amount else ""
        text.append(
            f"    rate       {plain(charge.quantity)} x {plain(charge.unit_amount)}{flat}"
            f" = {plain(charge.exact)}"
        )
        if line.kind == "licensed" and line.amount != charge.amount:
            text.append(f"    part       {line.amount} of {charge.amount}: this is not a full period")
        text.append(f"    rounded    {line.amount}, half away from zero, once for the line")
    return text


def explain_decision(invoice: Invoice) -> list[str]:
    """Explain how automatic tax was decided: by which rule and rate, and on what evidence."""
    if not invoice.automatic_tax["enabled"]:
        return []
    said = invoice.tax_decision or {}
    text = []
    for one in said.get("decisions", []):
        treatment = untaxed.treatment_in(one)
        text.append(f"  taxed by     {one['source']}: {treatment}, {one['tax_code']} on {one['on']}")
        text.append(f"               {one['why']}")
        text += [f"               {name}: {value}" for name, value in one["facts"].items()]
        text += [f"               on the document: {one['mention']}"] if one["mention"] else []
    for one in said.get("evidence", []):
        text.append(f"  buyer is in  {one['kind']} {one.get('country') or one.get('value')}")
    abroad = any(one["treatment"] == "oss" for one in said.get("decisions", []))
    if abroad and said.get("agreeing", 0) < 2:
        text.append("               fewer than two pieces of evidence agree on the country (art. 24b)")
    return [*text, *([f"  not taxed    {said['why']}"] if said.get("why") else [])]


def explain_failures(tx: Tx, invoice: Invoice) -> list[str]:
    """Explain the failures of scheduled payments: why, and when and why then the next attempt."""
    found = tx.all(
        "select number, created, code, class, sent, next_at, reason from payment_failures"
        " where invoice = %(id)s order by number",
        id=invoice.id,
    )
    return [
        f"  failed {row['number']:<5} {at(row['created'])}  {row['code']} ({row['class']})"
        f"{'' if row['sent'] else ', not sent'}; "
        + (f"next {at(row['next_at'])}, {row['reason']}" if row["next_at"] else f"the last: {row['reason']}")
        for row in found
    ]


def explain_totals(tx: Tx, invoice: Invoice, labels: dict[str, str]) -> list[str]:
    text = [
        "",
        f"  subtotal     {show(invoice.subtotal, invoice.currency)}",
        *[
            f"  discount     {labels.get(entry['discount'], entry['discount'])}"
            f" = {show(-entry['amount'], invoice.currency)}"
            for entry in invoice.total_discount_amounts
        ],
        *[
            f"  credits      of {entry['grant']} = {show(-entry['amount'], invoice.currency)}"
            for entry in invoice.applied_credits
        ],
        *[
            f"  tax          {labels[tax['tax_rate_details']['tax_rate']]} {tax['tax_behavior']}"
            f" = {show(tax['amount'], invoice.currency)}"
            for tax in invoice.total_taxes
        ],
        *explain_decision(invoice),
        f"  total        {show(invoice.total, invoice.currency)}",
        f"  balance      {show(invoice.starting_balance, invoice.currency)} before",
        *explain_credit(invoice),
        f"  amount due   {show(invoice.amount_due, invoice.currency)}",
        f"  paid         {show(invoice.amount_paid, invoice.currency)} in {invoice.attempt_count} attempt(s)",
        *([f"  not mailed   {invoice.mail_error}"] if invoice.mail_error else []),
        *explain_failures(tx, invoice),
        "",
    ]
    transfers = tx.all(
        "select created, event, debit, credit, amount, currency from ledger_transfers"
        " where invoice = %(id)s order by created, id",
        id=invoice.id,
    )
    text.append("  transfers" if transfers else "  no transfers: a draft is not in the books")
    return text + [
        f"    {at(row['created'])}  {row['event']:<24} {row['debit']:<40} from {row['credit']:<40}"
        f" {show(row['amount'], row['currency']):>14}"
        for row in transfers
    ]


def explain_credit(invoice: Invoice) -> list[str]:
    """Say what credit notes took off an invoice before it was paid, and gave back after."""
    before, after = invoice.pre_payment_credit_notes_amount, invoice.post_payment_credit_notes_amount
    if not (before or after):
        return []
    taken, given = show(-before, invoice.currency), show(after, invoice.currency)
    return [f"  credit notes {taken} before it was paid, {given} given back after"]


def at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}Z"
