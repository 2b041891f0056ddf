"""Create, update, finalize, send and delete invoices at the request of a caller."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.params import Params, merged, missing
from billow.api.params import made as params_made
from billow.api.resource import Where
from billow.core import numbering, shares
from billow.core.errors import Refused, needed, require
from billow.flows.billing import billing_periods, drafts, pending_items, totals
from billow.flows.billing.currency import check_customer_currency
from billow.flows.billing.discounts import Owner, redeem, update_discounts
from billow.flows.invoices import (
    draft_params,
    finalize,
    given_taxes,
    held_back,
    invoice_intents,
    invoice_items,
    numbers,
    revisions,
    shipping,
)
from billow.flows.invoices.draft_params import DRAFT_ONLY, Create, Terms, Update
from billow.flows.invoices.invoice_items import of_customer
from billow.flows.mails import outbox
from billow.flows.taxes import params as taxes
from billow.resources import tax_rate as tax_rates
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import SHIPPING, InvoiceLine
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.store import clocks, jobs
from billow.store.ids import new_id
from billow.store.tx import Tx


@Invoice.create(Create)
def create(tx: Tx, wanted: Create) -> Invoice:
    """Create a draft invoice for a customer, with its pending invoice items if the request includes them.

    With `subscription` it bills the pending invoice items of that subscription.
    """
    # Locks the customer, whose currency the first invoice fixes.
    customer = rows.lock(tx, Customer, billed_to(tx, wanted), param="customer")
    tx = clocks.enter(tx, customer.test_clock)
    if wanted.from_invoice:
        return revise(tx, wanted, customer)
    check(tx, wanted, customer)
    subscription = of_customer(tx, wanted.subscription, customer) if wanted.subscription else None
    included = subscription or wanted.pending_invoice_items_behavior == "include"
    waiting = pending_items.pending_items(tx, [customer.id]).get(customer.id, []) if included else []
    known = wanted.currency or customer.currency or (subscription.currency if subscription else None)
    currency = known or next((item.currency for item in waiting), "usd")
    check_customer_currency(customer, currency)
    items = (
        pending_items.for_manual_invoice(tx, customer.id, wanted.subscription, currency) if included else []
    )
    taxes.check_stored(taxes.enabled(wanted.automatic_tax), items, "a pending invoice item")
    fields = {**fields_of(tx, wanted, subscription), "currency": currency}
    if wanted.given("discounts") and wanted.discounts != []:
        fields["id"] = new_id(Invoice.prefix)
        subtotal = sum(item.amount for item in items)
        owner = discount_owner(customer, fields["id"], currency, subtotal)
        fields["discounts"] = redeem(tx, wanted.discounts or [], owner)
    if wanted.shipping_cost:
        rate = shipping.rate_of(tx, wanted.shipping_cost, "shipping_cost")
        fields["shipping_cost"] = {"shipping_rate": rate.id}
    made = drafts.draft(tx, customer, [], items, **fields)
    if wanted.shipping_cost:
        made.lines.append(shipping.line_of(tx, customer.id, currency, rate).but(invoice=made.invoice.id))
    [invoice] = drafts.write(tx, [made])
    rows.update(tx, customer, currency=customer.currency or currency)
    if invoice.automatically_finalizes_at:
        jobs.put(tx, "invoice.finalize", invoice.id, invoice.automatically_finalizes_at)
    return invoice


def billed_to(tx: Tx, wanted: Create) -> str:
    """Return the customer of a new invoice: that of the request, or of the invoice that is revised."""
    if wanted.customer is None and wanted.from_invoice:
        return rows.find(tx, Invoice, wanted.from_invoice.invoice, param=revisions.AT).customer
    if wanted.customer is None:
        raise missing("customer")
    return wanted.customer


def revise(tx: Tx, wanted: Create, customer: Customer) -> Invoice:
    """Create the draft that revises an open invoice: a copy of it, with what the request says otherwise."""
    original = revisions.original_of(tx, wanted, customer)
    copy = revisions.copy(tx, original, new_id(Invoice.prefix))
    made = drafts.draft(tx, customer, copy.lines, **copy.fields, currency=original.currency)
    made.lines = [line.but(position=shipping.LAST) if not line.listed else line for line in made.lines]
    [invoice] = drafts.write(tx, [made], proposed=True)
    said = {name: value for name, value in wanted.sent().items() if name not in ("customer", "from_invoice")}
    return update(tx, invoice, params_made(Update, **said)) if said else invoice


def check(tx: Tx, wanted: Create, customer: Customer) -> None:
    """Require a due date of an invoice that is sent, and refuse one otherwise; check the other params."""
    sends = wanted.collection_method == "send_invoice"
    dated = wanted.days_until_due is not None or wanted.due_date is not None
    require(
        not sends or dated,
        "If you are using `collection_method=send_invoice`, you must pass `days_until_due` or `due_date`.",
        param="days_until_due",
        code="parameter_missing",
    )
    require(
        sends or not dated,
        "You can only set a due date if `collection_method` is `send_invoice`.",
        param="due_date",
    )
    check_due_once(wanted)
    require(
        wanted.subscription is None or not wanted.given("pending_invoice_items_behavior"),
        "You cannot set `pending_invoice_items_behavior` with `subscription`: the invoice bills the pending"
        " invoice items of that subscription.",
        param="pending_invoice_items_behavior",
        code="parameters_exclusive",
    )
    check_number(tx, wanted.number)
    draft_params.check_terms(tx, wanted, customer.id)
    draft_params.check_fee(tx, wanted.application_fee_amount, wanted.transfer_data)
    taxes.check_alone(taxes.enabled(wanted.automatic_tax), wanted.default_tax_rates)
    if wanted.default_payment_method:
        rows.find(tx, PaymentMethod, wanted.default_payment_method, param="default_payment_method")


def discount_owner(
    customer: Customer, invoice: str, currency: str, subtotal: int, present: Sequence[str] = ()
) -> Owner:
    """Describe who redeems the discounts of an invoice, which may name its own and its customer's."""
    inherited = [customer.discount] if customer.discount else []
    return Owner(customer, currency, {"invoice": invoice}, [*present, *inherited], subtotal)


COPIED = (
    "auto_advance",
    "collection_method",
    "days_until_due",
    "default_payment_method",
    "default_source",
    "description",
    "due_date",
    "effective_at",
    "number",
    "on_behalf_of",
    "statement_descriptor",
    "subscription",
    "application_fee_amount",
)
IF_SENT = ("account_tax_ids", "custom_fields")
"""What replaces the account's or the customer's where it is sent."""


def fields_of(tx: Tx, wanted: Create, subscription: Subscription | None) -> dict[str, Any]:
    """Return the fields of the draft: those copied from the params, and those that follow from them."""
    fields = {name: getattr(wanted, name) for name in COPIED}
    if wanted.footer:
        fields["footer"] = wanted.footer
    fields |= {name: rows.plain_value(getattr(wanted, name)) for name in IF_SENT if wanted.given(name)}
    if wanted.automatic_tax:
        fields["automatic_tax"] = taxes.kept(Invoice().automatic_tax, wanted.automatic_tax)
    if subscription:
        fields["parent"] = pending_items.parent_of(subscription)
    usual = tx.now + drafts.GRACE if wanted.auto_advance else None
    return {
        **fields,
        **shaped(tx, Invoice(), wanted),
        "default_tax_rates": tax_rates.check_usable(tx, wanted.default_tax_rates, "default_tax_rates"),
        "metadata": merged({}, wanted.metadata),
        "billing_reason": "manual",
        "period_start": tx.now,
        "period_end": tx.now,
        "automatically_finalizes_at": wanted.automatically_finalizes_at or usual,
    }


def shaped(tx: Tx, before: Invoice, wanted: Terms) -> dict[str, Any]:
    """Return the hashes of an invoice after a request: what is sent within them, beside what was there."""
    found: dict[str, Any] = {}
    if wanted.payment_settings:
        after = draft_params.payment_settings_after(tx, before.payment_settings, wanted.payment_settings)
        found |= draft_params.with_plan_apart(after)
    if wanted.rendering:
        found["rendering"] = draft_params.rendering_after(before.rendering or {}, wanted.rendering)
        if wanted.rendering.given("template") or wanted.rendering.given("template_version"):
            draft_params.check_template(tx, found["rendering"])
    if wanted.given("shipping_details"):
        told = wanted.shipping_details
        unsaid = {"carrier": None, "tracking_number": None}
        found["shipping_details"] = {**told.shown(), **unsaid} if told else None
    if wanted.given("transfer_data"):
        found["transfer_data"] = wanted.transfer_data.shown() if wanted.transfer_data else None
    return found


def check_number(tx: Tx, number: str | None) -> None:
    if number:
        existing = rows.select(tx, Invoice, "number = %(number)s", number=number)
        require(not existing, f"The invoice number {number} is already used.", param="number")
        check_series(tx, number)


def check_series(tx: Tx, number: str) -> None:
    """Refuse a number that a series will reach later, of a customer or of the account: it would collide."""
    require(
        not numbers.still_to_come(tx, number),
        f"The invoice number {number} is still to be given by the series of your account.",
        param="number",
    )
    prefix = number.rpartition("-")[0]
    place = numbering.place(prefix, number)
    row = tx.one(
        "select next_invoice_sequence as next from customers where invoice_prefix = %(prefix)s", prefix=prefix
    )
    require(
        row is None or place is None or place < row["next"],
        f"The invoice number {number} is still to be given by the series of a customer: set the customer's"
        " next_invoice_sequence beyond it first.",
        param="number",
    )


@Invoice.update(Update)
def update(tx: Tx, invoice: Invoice, wanted: Update) -> Invoice:
    """Update a draft; of a finalized invoice, only the params that do not appear on its document (§7.2)."""
    sent = wanted.sent()
    frozen = sorted(DRAFT_ONLY & set(sent))
    if invoice.status != "draft" and frozen:
        raise Refused(
            "Finalized invoices can't be updated in this way", param=frozen[0], code="invoice_not_editable"
        )
    draft_params.check_terms(tx, wanted, invoice.customer)
    check_number(tx, wanted.number if wanted.number != invoice.number else None)
    if wanted.default_payment_method:
        rows.find(tx, PaymentMethod, wanted.default_payment_method, param="default_payment_method")
    changes: dict[str, Any] = {name: rows.plain_value(value) for name, value in sent.items()}
    for name in ("issuer", "shipping_cost"):
        changes.pop(name, None)
    changes |= shaped(tx, invoice, wanted)
    if {"collection_method", "days_until_due", "due_date"} & sent.keys():
        changes |= due_after(invoice, wanted)
    after = invoice.but(
        **{k: v for k, v in changes.items() if k in ("application_fee_amount", "transfer_data")}
    )
    draft_params.check_fee(tx, after.application_fee_amount, after.transfer_data)
    changes |= shared_after(invoice, wanted)
    if "metadata" in sent:
        changes["metadata"] = merged(invoice.metadata, sent["metadata"])
    if invoice.status == "draft":
        changes |= scheduled(tx, invoice, wanted)
    elif (
        wanted.auto_advance and invoice.status == "open" and invoice_intents.is_charged_automatically(invoice)
    ):
        jobs.put(tx, "invoice.collect", invoice.id, tx.now)
    changes.update(term_changes(tx, invoice, wanted))
    if invoice.status != "draft":
        return rows.update(tx, invoice, **changes)
    held = invoice_items.lines_of(tx, invoice)
    rated = "default_tax_rates" if "default_tax_rates" in changes else "automatic_tax"
    given_taxes.check_given_taxes(invoice.but(**changes), held, rated)
    turned_on = taxes.enabled(wanted.automatic_tax) and not invoice.automatic_tax["enabled"]
    taxes.check_stored(turned_on, held, "a line of the invoice")
    if wanted.given("shipping_cost"):
        held, changes["shipping_cost"] = ship(tx, invoice, held, wanted)
    return totals.recalculate(tx, invoice, held, **changes)


def shared_after(invoice: Invoice, wanted: Update) -> dict[str, Any]:
    """Return the percentages that its subscription shares an invoice by, without those that are replaced."""
    agreed = invoice.shared_percents
    if agreed is None:
        return {}
    replaced = {"application_fee_amount": shares.FEE, "transfer_data": shares.SHARE}
    gone = [percent for name, percent in replaced.items() if wanted.given(name)]
    return {"shared_percents": {name: value for name, value in agreed.items() if name not in gone}}


def due_after(invoice: Invoice, wanted: Update) -> dict[str, Any]:
    """Return when a draft is due after an update: on a day, or so many days after it was created.

    What is charged automatically is not due on a day.
    """
    sends = (wanted.collection_method or invoice.collection_method) == "send_invoice"
    dated = wanted.days_until_due is not None or wanted.due_date is not None
    require(
        sends or not dated,
        "You can only set a due date if `collection_method` is `send_invoice`.",
        param="due_date",
    )
    check_due_once(wanted)
    known = dated or invoice.due_date is not None
    require(
        not sends or known,
        "If you are using `collection_method=send_invoice`, you must pass `days_until_due` or `due_date`.",
        param="days_until_due",
        code="parameter_missing",
    )
    found: dict[str, Any] = {"collection_method": "send_invoice" if sends else "charge_automatically"}
    if dated or not sends:
        found |= {"days_until_due": wanted.days_until_due, "due_date": wanted.due_date}
    return {**found, "due_date": drafts.due_date(invoice.but(**found))}


def check_due_once(wanted: Terms) -> None:
    require(
        wanted.days_until_due is None or wanted.due_date is None,
        "You may only specify one of these parameters: days_until_due, due_date.",
        param="due_date",
        code="parameters_exclusive",
    )


def charged_by_itself(invoice: Invoice) -> bool:
    return invoice.status == "open" and invoice_intents.is_charged_automatically(invoice)


def scheduled(tx: Tx, invoice: Invoice, wanted: Update) -> dict[str, Any]:
    """Return when a draft is finalized by itself after an update, and set its timer."""
    at = wanted.automatically_finalizes_at
    if at is None and wanted.auto_advance is None:
        return {}
    if at is None and wanted.auto_advance:
        at = tx.now + drafts.GRACE
    jobs.cancel(tx, "invoice.finalize", invoice.id)
    jobs.put_many(tx, "invoice.finalize", [(invoice.id, at)] if at else [])
    return {"automatically_finalizes_at": at}


def ship(
    tx: Tx, invoice: Invoice, held: Sequence[InvoiceLine], wanted: Update
) -> tuple[list[InvoiceLine], dict[str, Any] | None]:
    """Replace what shipping costs on a draft, or remove it; return its lines and the cost without amounts."""
    rows.delete_where(tx, InvoiceLine, "invoice = %(id)s and kind = %(kind)s", id=invoice.id, kind=SHIPPING)
    goods = [line for line in held if line.listed]
    if wanted.shipping_cost is None:
        return goods, None
    rate = shipping.rate_of(tx, wanted.shipping_cost, "shipping_cost")
    line = shipping.line_of(tx, invoice.customer, invoice.currency, rate).but(invoice=invoice.id)
    return [*goods, rows.insert(tx, line)], {"shipping_rate": rate.id}


def term_changes(tx: Tx, invoice: Invoice, wanted: Update) -> dict[str, Any]:
    """Return the changed discounts and default tax rates of a draft after an update."""
    changes: dict[str, Any] = {}
    if wanted.automatic_tax:
        changes["automatic_tax"] = taxes.kept(invoice.automatic_tax, wanted.automatic_tax)
    after = changes.get("automatic_tax", invoice.automatic_tax)
    rates = wanted.default_tax_rates if wanted.given("default_tax_rates") else invoice.default_tax_rates
    taxes.check_alone(after["enabled"], rates)
    if wanted.given("default_tax_rates"):
        rates = wanted.default_tax_rates or []
        changes["default_tax_rates"] = tax_rates.check_usable(tx, rates, "default_tax_rates")
    if wanted.given("discounts"):
        customer = rows.find(tx, Customer, invoice.customer)
        owner = discount_owner(customer, invoice.id, invoice.currency, invoice.subtotal, invoice.discounts)
        changes["discounts"] = update_discounts(tx, wanted.discounts, owner, invoice.discounts, given=True)
    return changes


@Invoice.delete
def delete(tx: Tx, invoice: Invoice) -> dict[str, Any]:
    """Delete a draft that was created manually, with its invoice items."""
    require(
        invoice.status == "draft",
        "You can only delete draft invoices. To cancel this one, void it.",
        code="invoice_not_editable",
    )
    require(
        invoice.subscription is None
        or invoice.billing_reason == "manual"
        or invoice.from_invoice is not None,
        "You can't delete invoices created by subscriptions. Finalize it, then void it.",
        code="invoice_not_editable",
    )
    rows.delete_where(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id)
    billing_periods.release_of_invoice(tx, invoice)
    for item in rows.select(tx, InvoiceItem, "invoice = %(id)s", id=invoice.id):
        rows.delete(tx, item)
    jobs.cancel(tx, "invoice.finalize", invoice.id)
    return rows.delete(tx, invoice)


class Finalize(Params):
    auto_advance: bool | None = f.boolean()


@Invoice.action("finalize", Finalize)
def finalize_now(tx: Tx, invoice: Invoice, wanted: Finalize) -> Invoice | Refused:
    """Finalize a draft invoice now; with auto_advance it is then charged or sent."""
    if wanted.auto_advance is not None:
        invoice = rows.update(tx, invoice, event=None, auto_advance=wanted.auto_advance)
    opened = finalize.finalize_one(tx, invoice, holds=True)
    if opened is None:
        # The draft says why, and its event is emitted: the refusal is returned, so that they are kept.
        return held_back.refusal_of(rows.find(tx, Invoice, invoice.id))
    finalize.charge_on(tx, [opened])
    return opened


@Invoice.action("send")
def send(tx: Tx, invoice: Invoice) -> Invoice:
    """Send an invoice to the customer; a draft is finalized first."""
    require(invoice.status in ("draft", "open"), f"This invoice can't be sent: it is {invoice.status}.")
    if invoice.status == "draft":
        opened = finalize.finalize_one(tx, invoice, goes=lambda draft: False)  # sent below, once
        invoice = needed(opened, "the finalized invoice")
        finalize.charge_on(tx, [invoice])
    rows.emit(tx, [(invoice, None)], "invoice.sent")
    outbox.order_again(tx, replace(finalize.letter_of(invoice), explicit=True))
    return invoice


@Invoice.below("GET", "lines", listing.Paging, of=Invoice)
def lines(tx: Tx, invoice: Invoice, wanted: listing.Paging) -> listing.Page:
    """List the lines of an invoice, in the order in which they stand on it (§7.6)."""
    where = Where("invoice = %(invoice)s and kind <> %(kind)s", invoice=invoice.id, kind=SHIPPING)
    return listing.below(tx, InvoiceLine, where, wanted, f"/v1/invoices/{invoice.id}/lines")
