"""Put lines and pending items onto draft invoices, and write drafts in batches."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from billow.api import rows
from billow.core import bounds, shares
from billow.flows.billing import billing_periods, discounts, oversize, pending_items, totals
from billow.flows.billing.exemption import exemption
from billow.flows.billing.lines import Period, counting_of, item_line
from billow.flows.outside.seller import default_tax_ids, seller_of
from billow.resources import method_options
from billow.resources.billing_period import BillingPeriod
from billow.resources.customer import Customer
from billow.resources.invoice import RENDERING, Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import Subscription
from billow.store.ids import new_id
from billow.store.platforms import platform_of
from billow.store.tx import Tx

GRACE = timedelta(hours=1)
NO_AUTOMATIC_TAX = Invoice().automatic_tax
"""How long a draft waits before it is finalized, so that it can be reviewed and late usage counts (§7.3)."""


@dataclass(slots=True)
class Draft:
    """An invoice before it is written, with its lines and the invoice items that they come from."""

    invoice: Invoice
    lines: list[InvoiceLine]
    items: list[InvoiceItem]
    closed: Sequence[BillingPeriod] = ()
    """Closed periods of usage at earlier prices that its lines bill (flows/billing/billing_periods.py)."""
    inherited: Sequence[str] = ()
    """The customer's discount, which applies where the invoice has none of its own (§2.8)."""
    periods: Sequence[Period] = ()
    """The periods of its metered lines, with how their usage is counted."""
    left_out: Sequence[InvoiceLine] = ()
    """Lines that no invoice can hold, which wait (flows/billing/oversize.py)."""


def draft(
    tx: Tx, customer: Customer, lines: Sequence[InvoiceLine], items: Sequence[InvoiceItem] = (), **fields: Any
) -> Draft:
    """Make a draft with a snapshot of the customer, and its lines in order.

    Without discounts of its own it takes the customer's (§2.8). `write` calculates its totals.
    """
    account = account_of(tx)
    inherited = [customer.discount] if customer.discount else []
    id = fields.pop("id", None) or new_id(Invoice.prefix)
    placed = [place_line(line, id, number) for number, line in enumerate([*map(item_line, items), *lines])]
    invoice = Invoice(
        id=id,
        customer=customer.id,
        account_name=seller_of(tx).name or account["name"],
        account_country=account["country"],
        customer_address=customer.address,
        customer_email=customer.email,
        customer_name=customer.name,
        customer_phone=customer.phone,
        customer_shipping=customer.shipping,
        customer_tax_exempt=exemption(tx, customer),
        starting_balance=customer.balance,
        shared_percents=shared_with_somebody(tx, fields.pop("shared_percents", None)),
        test_clock=customer.test_clock,
        **{
            "account_tax_ids": default_tax_ids(tx) or None,
            "footer": (customer.invoice_settings or {}).get("footer"),
            "custom_fields": (customer.invoice_settings or {}).get("custom_fields"),
            "discounts": inherited,
            **rendering_of(customer),
            **fields,
        },
    )
    born = rows.born(tx, invoice)
    return Draft(born.but(due_date=due_date(born)), placed, list(items), inherited=inherited)


def due_date(invoice: Invoice) -> datetime | None:
    """Return when an invoice is due that its customer pays: so many days after it was created."""
    if invoice.collection_method != "send_invoice":
        return None
    days = invoice.days_until_due
    return invoice.due_date if days is None else invoice.created + timedelta(days=days)


def rendering_of(customer: Customer) -> dict[str, Any]:
    """Return how the papers of a customer look, where that is set."""
    options = (customer.invoice_settings or {}).get("rendering_options") or {}
    named = {name: options[name] for name in ("amount_tax_display", "template") if options.get(name)}
    return {"rendering": {**RENDERING, **named}} if named else {}


def place_line(line: InvoiceLine, invoice: str, position: int) -> InvoiceLine:
    """Return a line with its invoice and its position on it."""
    return line.but(invoice=invoice, position=position)


def calculate(tx: Tx, drafts: Sequence[Draft]) -> None:
    """Fill in the discounts, taxes and totals of drafts, in a few statements for all of them.

    Removes discounts that have lapsed from whatever has them (§2.6).
    """
    lines = [line for draft in drafts for line in draft.lines]
    terms = totals.terms_of(tx, [draft.invoice for draft in drafts], lines, [d.inherited for d in drafts])
    # A backdated start bills months in which a discount applied that has lapsed since (X58).
    begins = any(draft.invoice.billing_reason == "subscription_create" for draft in drafts)
    gone = set() if begins else discounts.lapsed(tx, terms.discounts.values())
    for draft in drafts:
        if gone:
            remove_lapsed(draft, gone)
        try:
            draft.invoice, draft.lines = totals.calculate(draft.invoice, draft.lines, terms)
        except bounds.TooLarge:
            leave_out(tx, draft, terms)
    discounts.remove(tx, [terms.discounts[id] for id in sorted(gone)])


def remove_lapsed(draft: Draft, gone: Container[str]) -> None:
    """Remove lapsed discounts from a draft; where none is left, the customer's applies instead."""
    kept = [id for id in draft.invoice.discounts if id not in gone]
    if draft.invoice.discounts and not kept:
        kept = [id for id in draft.inherited if id not in gone]
    draft.invoice = draft.invoice.but(discounts=kept)
    draft.lines = [
        line.but(discounts=[id for id in line.discounts if id not in gone]) for line in draft.lines
    ]


def leave_out(tx: Tx, draft: Draft, terms: totals.Terms) -> None:
    """Leave out of a draft what no invoice can hold, so that it waits (flows/billing/oversize.py).

    A preview is refused instead, so that its caller learns of it. Usage that a threshold bills in mid-period
    cannot be left out, since its period goes on.
    """

    def fits(lines: Sequence[InvoiceLine]) -> bool:
        try:
            return bool(totals.calculate(draft.invoice, lines, terms))
        except bounds.TooLarge:
            return False

    out = oversize.left_out(draft.lines, fits)
    goes_on = {(one.part.item.id, one.start) for one in draft.periods if one.continued}
    if tx.notes.get(oversize.PREVIEW) or out & goes_on:
        raise bounds.TooLarge
    draft.left_out = [line for line in draft.lines if oversize.key_of(line) in out]
    draft.items = [item for item in draft.items if (item.id, None) not in out]
    kept = [line for line in draft.lines if oversize.key_of(line) not in out]
    draft.invoice, draft.lines = totals.calculate(draft.invoice, kept, terms)


def write(tx: Tx, drafts: Sequence[Draft], *, proposed: bool = False) -> list[Invoice]:
    """Write drafts with their lines, in a fixed number of statements. Emits `invoice.created`.

    What is `proposed` bills no period yet: it will when it is paid (§5.11), or takes another's place.
    """
    calculate(tx, drafts)
    lines = rows.insert_many(tx, [line for draft in drafts for line in draft.lines])
    if not proposed:
        late = [(one, draft.invoice.id) for draft in drafts for one in draft.closed]
        counting = {(p.part.item.id, p.start): counting_of(p) for draft in drafts for p in draft.periods}
        billed = [line for draft in drafts for line in (*draft.lines, *draft.left_out)]
        out = {oversize.key_of(line) for draft in drafts for line in draft.left_out}
        billing_periods.record(tx, billed, late, counting, out)
    taken = [(item, {"invoice": draft.invoice.id}) for draft in drafts for item in draft.items]
    rows.update_many(tx, taken, event=None)
    oversize.park(tx, [line.invoice_item for draft in drafts for line in draft.left_out if line.invoice_item])
    return rows.insert_many(tx, [draft.invoice for draft in drafts], lists={"lines": lines})


#: Settings of a subscription that its invoices take where they are set, in place of the customer's (§5.15).
SETTINGS = ("account_tax_ids", "custom_fields", "description", "footer")


def subscription_fields(subscription: Subscription) -> dict[str, Any]:
    """Return the fields that an invoice takes from its subscription."""
    settings, payment = subscription.invoice_settings, subscription.payment_settings
    return {
        **{name: settings[name] for name in SETTINGS if settings.get(name) is not None},
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": method_options.of_invoice(payment.get("payment_method_options")),
            "payment_method_types": payment.get("payment_method_types"),
        },
        **shares_of(subscription),
        "currency": subscription.currency,
        "subscription": subscription.id,
        "parent": pending_items.parent_of(subscription),
        "collection_method": subscription.collection_method,
        "days_until_due": subscription.days_until_due,
        "default_tax_rates": subscription.default_tax_rates,
        "automatic_tax": tax_of(subscription.automatic_tax),
        # A subscription with discounts of its own does not take the customer's (T57).
        **({"discounts": subscription.discounts} if subscription.discounts else {}),
    }


def shares_of(subscription: Subscription) -> dict[str, Any]:
    """Return who has which shares of the invoices of a subscription; the amounts follow from their totals."""
    given = subscription.transfer_data
    destination = given["destination"] if given else None
    agreed = shares.percents(subscription.application_fee_percent, given)
    return {
        "on_behalf_of": subscription.on_behalf_of,
        "shared_percents": {**agreed, "destination": destination} if agreed else None,
        "transfer_data": {"amount": None, "destination": destination} if destination else None,
    }


def shared_with_somebody(tx: Tx, agreed: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the shares of an invoice; an account without a platform or a destination keeps it whole."""
    if agreed is None or agreed["destination"] or platform_of(tx):
        return agreed
    return None


def tax_of(agreed: dict[str, Any]) -> dict[str, Any]:
    """Return the automatic tax of an invoice as its subscription has it."""
    named = {name: agreed[name] for name in ("enabled", "liability")}
    return {**NO_AUTOMATIC_TAX, **named}


def account_of(tx: Tx) -> dict[str, Any]:
    """Load the merchant's name, country and reminder settings, once per transaction."""
    if "account" not in tx.notes:
        tx.notes["account"] = tx.one(
            "select name, country, upcoming_days, will_be_due_days from accounts where id = %(id)s",
            id=tx.account,
        )
    account: dict[str, Any] = tx.notes["account"]
    return account
