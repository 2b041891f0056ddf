"""What goes on an invoice: the lines of a subscription's items, and the totals of a draft."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billow.api import rows
from billow.core import anchors, bounds, invoicing, pricing, proration
from billow.core.errors import require
from billow.core.money import EXACT
from billow.flows import billed, discount, oversize, reckon
from billow.resources.billing_period import BillingPeriod
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.resources.meter import Meter
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.ids import new_id
from billow.store.tx import Tx

BILLED = "Amount previously billed"
GRACE = timedelta(hours=1)
"""How long a draft stands before it is finalized, so that it can be seen and late usage counts (§7.3)."""


@dataclass(frozen=True, slots=True)
class Part:
    """An item of a subscription with all that prices it."""

    item: SubscriptionItem
    price: Price
    product: Product
    meter: Meter | None
    rate: pricing.Price
    """In the currency of the subscription."""
    classic: bool = False

    @property
    def interval(self) -> tuple[str, int]:
        recurring = self.price.recurring or {}
        return recurring["interval"], recurring["interval_count"]


def parts_of(tx: Tx, subscriptions: Iterable[str]) -> dict[str, list[Part]]:
    """The items of any number of subscriptions, in five statements.

    Newest first; items born together as given.
    """
    items = rows.select(
        tx,
        SubscriptionItem,
        "subscription = any(%(ids)s)",
        "order by created desc, id",
        ids=sorted(set(subscriptions)),
    )
    found: dict[str, list[Part]] = {}
    for part in priced(tx, items):
        found.setdefault(part.item.subscription, []).append(part)
    return found


def priced(tx: Tx, items: Sequence[SubscriptionItem]) -> list[Part]:
    prices = rows.find_many(tx, Price, [item.price for item in items])
    products = rows.find_many(tx, Product, [price.product for price in prices.values()])
    meters = rows.find_many(tx, Meter, [meter for price in prices.values() if (meter := meter_of(price))])
    agreed = rows.find_many(tx, Subscription, [item.subscription for item in items])
    return [
        Part(
            item,
            price,
            products[price.product],
            meters.get(meter_of(price) or ""),
            rated(price, subscription.currency),
            subscription.billing_mode["type"] == "classic",
        )
        for item in items
        for price, subscription in [(prices[item.price], agreed[item.subscription])]
    ]


def with_item(part: Part, item: SubscriptionItem) -> Part:
    """The part with its item changed in what does not price it."""
    return replace(part, item=item)


def meter_of(price: Price) -> str | None:
    return (price.recurring or {}).get("meter")


def rated(price: Price, currency: str | None = None) -> pricing.Price:
    """A price as the core rates it: in its own currency, or in another one that it has amounts for."""
    transform = price.transform_quantity
    other = price.currency_options[currency] if currency not in (None, price.currency) else None
    unit = _exact(other["unit_amount_decimal"]) if other else price.unit_amount_decimal
    model = price.tiers_mode if price.billing_scheme == "tiered" else "package" if transform else "per_unit"
    tiers = tuple(
        pricing.Tier(
            _exact(tier["up_to"]), _exact(tier["unit_amount_decimal"]), _exact(tier["flat_amount_decimal"])
        )
        for tier in (other["tiers"] if other else price.tiers) or ()
    )
    return pricing.Price(
        model=model or "per_unit",
        currency=currency or price.currency,
        unit_amount=unit,
        tiers=tiers,
        divide_by=transform["divide_by"] if transform else None,
        round=transform["round"] if transform else "up",
    )


def _exact(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


# ------------------------------------------------------------------------------------- lines


@dataclass(frozen=True, slots=True)
class Period:
    """What a part is billed for: `kind` is licensed (in advance), metered (in arrears) or trial (nothing).

    `share` says what part of a full period's price it costs: less than 1 for a stub.
    """

    part: Part
    kind: str
    start: datetime
    end: datetime
    share: Fraction = anchors.FULL
    counted_from: datetime | None = None
    """Since when tiers count, where an earlier part of the same use is billed already (§4.5)."""
    billed_use: Decimal | None = None
    """How much of the use since then is billed."""
    continued: bool = False
    """Whether what comes late for it is billed with what follows, and not with it."""


def lines_of(period: Period, customer: str, used: Decimal | None) -> list[InvoiceLine]:
    """The lines of one item for one period, not yet on an invoice: one for each tier that is reached."""
    part = period.part
    if period.kind == "trial":
        return [_free_line(period, customer)]
    quantity = Decimal(part.item.quantity or 0) if period.kind == "licensed" else used or Decimal(0)
    packed = part.price.transform_quantity is not None
    more = EXACT.subtract(quantity, period.billed_use or Decimal(0))
    return [
        _line(
            period,
            customer,
            proration.portion(step.amount, period.share),
            BILLED if step.earlier else _words(part, more if packed else charge.quantity, charge),
            quantity_decimal=more if packed else charge.quantity,
            unit_amount_decimal=charge.unit_amount,
            flat_amount_decimal=charge.flat_amount,
            tier=charge.tier,
            usage=used,
        )
        for step in pricing.steps(part.rate, period.billed_use, quantity)
        for charge in [step.charge]
    ]


def _words(part: Part, quantity: Decimal, charge: pricing.Charge) -> str:
    product, currency = part.product, part.rate.currency
    return invoicing.describe(
        product.name, product.unit_label, quantity, charge.unit_amount, currency, part.interval, charge.tier
    )


def _free_line(period: Period, customer: str) -> InvoiceLine:
    """A line of nothing: a trial, or in classic the use that a meter has yet to count (§5.17)."""
    part = period.part
    if part.meter:
        charge = pricing.charges(part.rate, Decimal(0))[0]
        words = _words(part, Decimal(0), charge)
        return _line(period, customer, 0, words, quantity_decimal=Decimal(0))
    many = part.item.quantity or 1
    words = (
        f"Trial period for {part.product.name}"
        if part.classic
        else f"Free trial for {many} {invoicing.TIMES} {part.product.name}"
    )
    return _line(period, customer, 0, words, quantity_decimal=Decimal(many))


def _line(period: Period, customer: str, amount: int, description: str, **more: Any) -> InvoiceLine:
    part = period.part
    return InvoiceLine(
        amount=amount,
        currency=part.rate.currency,
        description=description,
        invoice="",
        customer=customer,
        subscription=part.item.subscription,
        subscription_item=part.item.id,
        price=part.price.id,
        product=part.product.id,
        period_start=period.start,
        period_end=period.end,
        kind=period.kind,
        discounts=part.item.discounts,
        tax_rates=part.item.tax_rates,
        metadata=dict(part.item.metadata),
        **more,
    )


def item_line(item: InvoiceItem) -> InvoiceLine:
    """The line that an invoice item becomes."""
    return InvoiceLine(
        amount=item.amount,
        currency=item.currency,
        description=item.description,
        invoice="",
        customer=item.customer,
        discountable=item.discountable,
        discount_amounts=item.discount_amounts,
        discounts=item.discounts,
        tax_rates=item.tax_rates,
        metadata=item.metadata,
        subscription=item.subscription,
        subscription_item=item.subscription_item,
        kind="item",
        invoice_item=item.id,
        proration=item.proration,
        proration_details=credited_lines(item),
        price=item.price,
        product=item.product,
        quantity_decimal=item.quantity_decimal,
        unit_amount_decimal=item.unit_amount_decimal,
        period_start=item.period_start,
        period_end=item.period_end,
    )


def credited_lines(item: InvoiceItem) -> dict[str, Any] | None:
    """Of what an item reverses, a line names only what stands on an invoice itself (§5.7)."""
    source = (item.proration_details or {}).get("credited_items") or {}
    return {"credited_items": source.get("invoice_line_item_details")} if item.proration else None


def pending_items(tx: Tx, customers: Iterable[str]) -> dict[str, list[InvoiceItem]]:
    """The invoice items that wait, by customer, the newest first."""
    found: dict[str, list[InvoiceItem]] = {}
    for item in rows.select(
        tx, InvoiceItem, "invoice is null and customer = any(%(ids)s)", ids=sorted(set(customers))
    ):
        found.setdefault(item.customer, []).append(item)
    return found


def awaited(
    pending: dict[str, list[InvoiceItem]], customer: str, subscription: str | None, currency: str
) -> list[InvoiceItem]:
    """Take the waiting items that this invoice picks up: its subscription's, and those of none (§5.16)."""
    waiting = pending.get(customer, [])
    taken = [
        item for item in waiting if item.currency == currency and item.subscription in (None, subscription)
    ]
    pending[customer] = [item for item in waiting if item not in taken]
    return taken


def left_over(tx: Tx, customer: str, subscription: str | None, currency: str) -> list[InvoiceItem]:
    """The waiting items that an invoice by hand picks up: those of its subscription alone (§7.1).

    Where it has none, those of none, and what a subscription left to its customer when it ended (§5.12).
    """
    ended = "select id from subscriptions where customer = %(id)s and status = any(%(ended)s)"
    theirs = {row["id"] for row in tx.all(ended, id=customer, ended=["canceled", "incomplete_expired"])}
    wanted = {subscription} if subscription else {None, *theirs}
    waiting = pending_items(tx, [customer]).get(customer, [])
    return [item for item in waiting if item.currency == currency and item.subscription in wanted]


def check_currency(customer: Customer, currency: str) -> None:
    """A customer's balance is in one currency, and so is all that they buy."""
    require(
        customer.currency in (None, currency),
        "You cannot combine currencies on a single customer. This customer has had a subscription, invoice or"
        f" invoice item with currency {customer.currency}.",
        param="currency",
    )


# ------------------------------------------------------------------------------------- drafts


@dataclass(slots=True)
class Draft:
    """An invoice to be, with its lines and the invoice items that they come from."""

    invoice: Invoice
    lines: list[InvoiceLine]
    items: list[InvoiceItem]
    stretches: Sequence[BillingPeriod] = ()
    """Use of earlier prices that its lines bill (flows/stretches.py)."""
    inherited: Sequence[str] = ()
    """The customer's discount, for an invoice that has none of its own (§2.8)."""
    periods: Sequence[Period] = ()
    """What its metered lines are for, where an earlier part of that is billed already."""
    waits: Sequence[InvoiceLine] = ()
    """What was left out because no invoice can hold it."""


def draft(
    tx: Tx, customer: Customer, lines: Sequence[InvoiceLine], items: Sequence[InvoiceItem] = (), **fields: Any
) -> Draft:
    """A draft for a customer: a snapshot of who they are, and the lines in order.

    Where nothing is said of discounts it has the customer's (§2.8); what it comes to is reckoned in `write`.
    """
    account = account_of(tx)
    inherited = [customer.discount] if customer.discount else []
    id = fields.pop("id", None) or new_id(Invoice.prefix)
    placed = [place_line(line, id, number) for number, line in enumerate([*map(item_line, items), *lines])]
    invoice = Invoice(
        id=id,
        customer=customer.id,
        account_name=account["name"],
        account_country=account["country"],
        customer_address=customer.address,
        customer_email=customer.email,
        customer_name=customer.name,
        customer_phone=customer.phone,
        customer_shipping=customer.shipping,
        customer_tax_exempt=customer.tax_exempt,
        starting_balance=customer.balance,
        test_clock=customer.test_clock,
        **{
            "footer": (customer.invoice_settings or {}).get("footer"),
            "custom_fields": (customer.invoice_settings or {}).get("custom_fields"),
            "discounts": inherited,
            **fields,
        },
    )
    return Draft(rows.born(tx, invoice), placed, list(items), inherited=inherited)


def place_line(line: InvoiceLine, invoice: str, position: int) -> InvoiceLine:
    return line.but(invoice=invoice, position=position)


def reckoned(tx: Tx, drafts: Sequence[Draft]) -> None:
    """Fill in what the drafts come to: discounts, taxes and totals, for all of them in a few statements.

    This is where a discount is seen to have lapsed: it is taken off whatever holds it (§2.6).
    """
    lines = [line for draft in drafts for line in draft.lines]
    terms = reckon.terms_of(tx, [draft.invoice for draft in drafts], lines, [d.inherited for d in drafts])
    # A start that was set back bills months in which a discount stood that stands no more (X58).
    begins = any(draft.invoice.billing_reason == "subscription_create" for draft in drafts)
    gone = set() if begins else discount.lapsed(tx, terms.discounts.values())
    for draft in drafts:
        if gone:
            drop(draft, gone)
        try:
            draft.invoice, draft.lines = reckon.reckoned(draft.invoice, draft.lines, terms)
        except bounds.TooLarge:
            shrink(tx, draft, terms)
    discount.take_off(tx, [terms.discounts[id] for id in sorted(gone)])


def drop(draft: Draft, gone: Container[str]) -> None:
    """Without the discounts that are over; when none is left, that of the customer comes in their place."""
    kept = [id for id in draft.invoice.discounts if id not in gone]
    if draft.invoice.discounts and not kept:
        kept = [id for id in draft.inherited if id not in gone]
    draft.invoice = draft.invoice.but(discounts=kept)
    draft.lines = [
        line.but(discounts=[id for id in line.discounts if id not in gone]) for line in draft.lines
    ]


def shrink(tx: Tx, draft: Draft, terms: reckon.Terms) -> None:
    """Leave out of a draft what no invoice can hold, to wait (flows/oversize.py).

    A preview is refused instead, so that somebody hears of it. What a threshold bills in mid-period cannot
    wait by itself, since the same use goes on.
    """

    def fits(lines: Sequence[InvoiceLine]) -> bool:
        try:
            return bool(reckon.reckoned(draft.invoice, lines, terms))
        except bounds.TooLarge:
            return False

    out = oversize.left_out(draft.lines, fits)
    goes_on = {(one.part.item.id, one.start) for one in draft.periods if one.continued}
    if tx.notes.get(oversize.PREVIEW) or out & goes_on:
        raise bounds.TooLarge
    draft.waits = [line for line in draft.lines if oversize.key_of(line) in out]
    draft.items = [item for item in draft.items if (item.id, None) not in out]
    kept = [line for line in draft.lines if oversize.key_of(line) not in out]
    draft.invoice, draft.lines = reckon.reckoned(draft.invoice, kept, terms)


def write(tx: Tx, drafts: Sequence[Draft], *, proposed: bool = False) -> list[Invoice]:
    """Store drafts with their lines, which their event then shows; a fixed number of statements.

    What is proposed bills no period yet: it will when it is paid (§5.11).
    """
    reckoned(tx, drafts)
    rows.insert_many(tx, [line for draft in drafts for line in draft.lines])
    if not proposed:
        late = [(one, draft.invoice.id) for draft in drafts for one in draft.stretches]
        counting = {(p.part.item.id, p.start): counting_of(p) for draft in drafts for p in draft.periods}
        lines = [line for draft in drafts for line in (*draft.lines, *draft.waits)]
        out = {oversize.key_of(line) for draft in drafts for line in draft.waits}
        billed.begin(tx, lines, late, counting, out)
    taken = [(item, {"invoice": draft.invoice.id}) for draft in drafts for item in draft.items]
    rows.update_many(tx, taken, event=None)
    oversize.park(tx, [line.invoice_item for draft in drafts for line in draft.waits if line.invoice_item])
    return rows.insert_many(tx, [draft.invoice for draft in drafts])


def counting_of(period: Period) -> dict[str, Any]:
    names = ("counted_from", "billed_use", "continued")
    return {name: getattr(period, name) for name in names}


def parent_of(subscription: Subscription) -> dict[str, Any]:
    """What an invoice says of the subscription that it is for: its metadata as it was then (§5.15)."""
    return {
        "quote_details": None,
        "type": "subscription_details",
        "subscription_details": {
            "metadata": subscription.metadata,
            "subscription": subscription.id,
            "subscription_proration_date": None,
        },
    }


#: Settings of a subscription that its invoices take where they are set, before those of the customer (§5.15).
SETTINGS = ("account_tax_ids", "custom_fields", "description", "footer")


def subscription_fields(subscription: Subscription) -> dict[str, Any]:
    """What an invoice takes from the subscription that it is for."""
    settings, payment = subscription.invoice_settings, subscription.payment_settings
    return {
        **{name: settings[name] for name in SETTINGS if settings.get(name) is not None},
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": _options(payment.get("payment_method_options")),
            "payment_method_types": payment.get("payment_method_types"),
        },
        "on_behalf_of": subscription.on_behalf_of,
        "currency": subscription.currency,
        "subscription": subscription.id,
        "parent": parent_of(subscription),
        "collection_method": subscription.collection_method,
        "days_until_due": subscription.days_until_due,
        "default_tax_rates": subscription.default_tax_rates,
        # One that has discounts of its own does not take the customer's (T57).
        **({"discounts": subscription.discounts} if subscription.discounts else {}),
    }


def _options(agreed: dict[str, Any] | None) -> dict[str, Any] | None:
    """The options of payment methods as invoices show them: of a card's, those that one payment needs."""
    card = (agreed or {}).get("card")
    if not agreed or not card:
        return agreed
    once = {"installments": None, "request_three_d_secure": card["request_three_d_secure"]}
    return {**agreed, "card": once}


def account_of(tx: Tx) -> dict[str, Any]:
    """The merchant: its name and country, and how many days before it is told what is to come."""
    if "account" not in tx.notes:
        tx.notes["account"] = tx.one(
            "select name, country, upcoming_days, will_be_due_days from accounts where id = %(id)s",
            id=tx.account,
        )
    account: dict[str, Any] = tx.notes["account"]
    return account
