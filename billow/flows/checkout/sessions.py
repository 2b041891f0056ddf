"""Create, update and expire checkout sessions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.fields import SHOWN, seconds
from billow.api.params import Params, made, merged
from billow.api.resource import EPOCH, Where
from billow.core.errors import Refused, require
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.checkout import lines, params, shipping, totals
from billow.flows.checkout.params import HOSTED, Create
from billow.flows.outside.seller import seller_of
from billow.flows.papers import links
from billow.flows.payments import setup_intents
from billow.flows.payments.amounts import check_amount
from billow.flows.quotes.lines import PricedLine, apply_discounts, discount_owner
from billow.flows.taxes import params as taxes
from billow.flows.taxes.params import AutomaticTax
from billow.resources import checkout_terms as terms
from billow.resources import invoice_rendering_template as templates
from billow.resources.checkout_session import CARD, NO_TEXT, CheckoutSession
from billow.resources.customer import Address, Customer
from billow.resources.line_item import LineItem
from billow.resources.price import Price, check_usable
from billow.store import clocks, jobs
from billow.store.ids import new_id, secret
from billow.store.perform import Steps
from billow.store.tx import Tx

SENT_AS_THEY_ARE = (
    "allow_promotion_codes", "allowed_payment_method_types", "billing_address_collection", "cancel_url",
    "client_reference_id", "customer_email", "excluded_payment_method_types", "integration_identifier",
    "locale", "origin_context", "redirect_on_completion", "return_url", "submit_type", "success_url",
    "ui_mode",
)  # fmt: skip
SHOWN_HASHES = (
    "consent_collection", "managed_payments", "name_collection", "permissions", "phone_number_collection",
    "shipping_address_collection", "tax_id_collection", "wallet_options",
)  # fmt: skip
KEPT = (
    "customer_update", "payment_intent_data", "payment_method_data", "setup_intent_data", "subscription_data",
)  # fmt: skip


@CheckoutSession.create(Create)
def create(tx: Tx, wanted: Create) -> Steps:
    """Create a checkout session: a page on which one customer pays, subscribes or saves a card."""
    mode = params.check(tx, wanted)
    customer = rows.lock(tx, Customer, wanted.customer, param="customer") if wanted.customer else None
    tx = clocks.enter(tx, customer.test_clock if customer else None)
    session = draft(tx, wanted, mode, customer)
    holder = {"session": session.id}
    priced = (
        lines.build(tx, wanted.line_items or [], holder, mode, wanted.currency) if mode != "setup" else []
    )
    currency = priced[0].item.currency if priced else wanted.currency
    session = session.but(
        currency=currency,
        **shipping.options(tx, wanted.shipping_options or [], currency),
        optional_items=optional_items(tx, wanted.optional_items),
    )
    session = session.but(**discounts(tx, session, wanted.discounts, customer, priced))
    if mode == "setup":
        intent = yield from setup_intents.create(tx, setup_params(session, wanted))
        session = session.but(setup_intent=intent.id)
    inserted = insert(tx, session, customer, priced)
    if mode == "payment" and inserted.amount_total:
        check_amount(inserted.amount_total, currency or "", "line_items")
    return inserted


def setup_params(session: CheckoutSession, wanted: Create) -> setup_intents.Create:
    """Return the params of the setup intent that a session in the mode `setup` has from the beginning."""
    data = wanted.setup_intent_data
    given: dict[str, Any] = {"description": data.description, "metadata": data.metadata} if data else {}
    if session.customer:
        given["customer"] = session.customer
    if wanted.allowed_payment_method_types:
        given["allowed_payment_method_types"] = wanted.allowed_payment_method_types
    return made(setup_intents.Create, **given)


def insert(
    tx: Tx, session: CheckoutSession, customer: Customer | None, priced: Sequence[PricedLine]
) -> CheckoutSession:
    """Insert a session and its lines with calculated amounts, and set its expiry timer."""
    found = totals.calculate(tx, session, customer, priced)
    session = session.but(**found.changes)
    inserted = rows.insert(tx, session.but(payment_status=payment_status(session)))
    rows.insert_many(tx, found.items)
    jobs.put(tx, "checkout.expire", inserted.id, inserted.expires_at)
    return inserted


def payment_status(session: CheckoutSession) -> str:
    """Return whether an open session waits for money: to save a method, or with nothing due, it does not."""
    return "no_payment_required" if session.mode == "setup" else "unpaid"


def draft(tx: Tx, wanted: Create, mode: str, customer: Customer | None) -> CheckoutSession:
    """Make the session of a request, without what depends on its prices."""
    id = new_id(f"{CheckoutSession.prefix}{'live' if tx.livemode else 'test'}_")
    sent = {name: getattr(wanted, name) for name in SENT_AS_THEY_ARE}
    shown = {name: rows.plain_value(getattr(wanted, name)) for name in SHOWN_HASHES if wanted.given(name)}
    hosted = wanted.ui_mode == HOSTED
    return CheckoutSession(
        id=id,
        adaptive_pricing={"enabled": bool(wanted.adaptive_pricing and wanted.adaptive_pricing.enabled)},
        after_expiration=after_expiration(wanted),
        automatic_tax=automatic_tax(bool(wanted.automatic_tax and wanted.automatic_tax.enabled)),
        branding_settings=branding(tx, wanted.branding_settings),
        client_secret=None if hosted else secret(f"{id}_secret_", 64),
        custom_fields=[custom_field(one) for one in wanted.custom_fields],
        custom_text={**NO_TEXT, **(wanted.custom_text.shown() if wanted.custom_text else {})},
        customer=customer.id if customer else None,
        customer_creation=customer_creation(wanted, mode, customer),
        customer_details=details_of(customer, wanted.customer_email, mode),
        expires_at=wanted.expires_at or tx.now.replace(microsecond=0) + params.LONGEST,
        invoice_creation=invoice_creation(tx, wanted, mode),
        metadata=merged({}, wanted.metadata),
        mode=mode,
        payment_method_collection=wanted.payment_method_collection
        or ("if_required" if mode == "payment" else "always"),
        payment_method_options=method_options(wanted),
        payment_method_types=method_types(wanted),
        saved_payment_method_options=saved_methods(wanted, mode, customer),
        total_details=None,
        data=params.stored(wanted, KEPT),
        test_clock=customer.test_clock if customer else None,
        url=links.checkout(tx, id) if hosted else None,
        **sent,
        **shown,
    )


def automatic_tax(enabled: bool) -> dict[str, Any]:
    return taxes.kept(CheckoutSession().automatic_tax, made(AutomaticTax, enabled=enabled))


def after_expiration(wanted: Create) -> dict[str, Any] | None:
    recovery = wanted.after_expiration.recovery if wanted.after_expiration else None
    if wanted.after_expiration is None:
        return None
    return {"recovery": {**recovery.shown(), "expires_at": None, "url": None} if recovery else None}


def branding(tx: Tx, wanted: terms.BrandingSettings | None) -> dict[str, Any]:
    """Return how the page looks: as the request says, or else with the seller's name and our colours."""
    usual = {
        "background_color": "#ffffff",
        "border_style": "rounded",
        "button_color": "#0074d4",
        "display_name": seller_of(tx).name,
        "font_family": "default",
        "icon": None,
        "logo": None,
    }
    sent = wanted.shown() if wanted else {}
    return {name: sent.get(name) or value for name, value in usual.items()}


def custom_field(one: terms.CustomField) -> dict[str, Any]:
    """Return a custom field as it is shown: without an answer yet."""
    shown = one.shown()
    limits = {"default_value": None, "maximum_length": None, "minimum_length": None}
    if one.type == "dropdown":
        shown["dropdown"] = {**(shown["dropdown"] or {}), "value": None}
    else:
        shown[one.type] = {**limits, **(shown[one.type] or {}), "value": None}
    return shown


def customer_creation(wanted: Create, mode: str, customer: Customer | None) -> str | None:
    if customer:
        return None
    return wanted.customer_creation or ("always" if mode == "subscription" else "if_required")


def details_of(customer: Customer | None, email: str | None, mode: str) -> dict[str, Any] | None:
    """Return what is known of the customer before the page asks."""
    if customer is None and email is None:
        return None
    return {
        "address": None,
        "business_name": None,
        "email": customer.email if customer else email,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": None if mode == "setup" else customer.tax_exempt if customer else "none",
        "tax_ids": None,
    }


def invoice_creation(tx: Tx, wanted: Create, mode: str) -> dict[str, Any] | None:
    """Return whether a payment has an invoice; a subscription has them anyway."""
    if mode != "payment":
        return None
    if wanted.invoice_creation:
        check_rendering(tx, wanted.invoice_creation)
        return wanted.invoice_creation.shown()
    return {"enabled": False, "invoice_data": terms.InvoiceData().shown()}


def check_rendering(tx: Tx, wanted: terms.InvoiceCreation) -> None:
    """Refuse a template of papers that cannot be used."""
    options = wanted.invoice_data.rendering_options if wanted.given("invoice_data") else None
    if options and options.template:
        at = "invoice_creation[invoice_data][rendering_options][template]"
        templates.check_usable(tx, options.template, at)


def method_options(wanted: Create) -> dict[str, Any] | None:
    """Return the options of methods that were sent; cards ask for 3D Secure where the bank wants it."""
    sent = wanted.payment_method_options.sent() if wanted.payment_method_options else {}
    shown = {name: rows.plain_value(value) for name, value in sent.items() if value is not None}
    card = {name: value for name, value in (shown.pop("card", None) or {}).items() if value is not None}
    return {"card": {**CARD["card"], **card}, **shown}


def method_types(wanted: Create) -> list[str]:
    """Return the types of payment methods on the page: those of the request, or cards."""
    allowed = wanted.allowed_payment_method_types or ["card"]
    return [one for one in allowed if one not in (wanted.excluded_payment_method_types or [])]


def saved_methods(wanted: Create, mode: str, customer: Customer | None) -> dict[str, Any] | None:
    usual = {
        "allow_redisplay_filters": ["always"],
        "payment_method_remove": "disabled",
        "payment_method_save": None,
    }
    if wanted.saved_payment_method_options is None:
        return usual if customer and mode != "setup" else None
    sent = wanted.saved_payment_method_options.shown()
    return {name: sent[name] or value for name, value in usual.items()}


def optional_items(tx: Tx, wanted: Sequence[terms.OptionalItem] | None) -> list[dict[str, Any]] | None:
    """Return the items that the customer may add, after checking their prices."""
    for place, one in enumerate(wanted or []):
        at = f"optional_items[{place}][price]"
        check_usable(tx, rows.find(tx, Price, one.price, param=at), at)
    return None if wanted is None else [one.shown() for one in wanted]


def discounts(
    tx: Tx,
    session: CheckoutSession,
    wanted: Sequence[params.Offer] | None,
    customer: Customer | None,
    priced: Sequence[PricedLine],
) -> dict[str, Any]:
    """Return the discounts of a session after checking them; they are redeemed when it is completed."""
    if session.mode == "setup":
        return {"discounts": None}
    if not wanted:
        return {"discounts": []}
    undiscounted = totals.calculate(tx, session, customer, priced).changes
    given = [made(DiscountTerm, **one.sent()) for one in wanted]
    owner = discount_owner(customer, session.currency, [], undiscounted["amount_subtotal"])
    shown = [{"coupon": one.coupon, "promotion_code": one.promotion_code} for one in wanted]
    ids = apply_discounts(tx, made(Discounted, discounts=given), owner, [])
    return {"discounts": shown, "discount_ids": ids}


class Discounted(Params):
    """The discounts of a session, as those of a quote are sent."""

    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=1)


# ------------------------------------------------------------------------------------- update


class ShippingDetails(Params):
    address: Address = f.nested(shape=Address, required=True)
    name: str = f.line(max=255, required=True)


class CollectedInformation(Params):
    shipping_details: ShippingDetails | None = f.nested(shape=ShippingDetails)


class ChangedIntentData(Params):
    description: str | None = f.text(unset=True)
    metadata: dict[str, str] = f.metadata()
    setup_future_usage: str | None = f.choice(SHOWN, "off_session", "on_session", unset=True)
    statement_descriptor: str | None = f.line(max=22, unset=True)
    statement_descriptor_suffix: str | None = f.line(max=22, unset=True)


class Update(Params):
    collected_information: CollectedInformation | None = f.nested(shape=CollectedInformation)
    line_items: list[params.ChangedLine] | None = f.array(SHOWN, params.ChangedLine, max=100)
    metadata: dict[str, str] = f.metadata()
    payment_intent_data: ChangedIntentData | None = f.nested(shape=ChangedIntentData)
    shipping_options: list[params.ShippingOption] | None = f.array(
        SHOWN, params.ShippingOption, max=5, unset=True
    )


@CheckoutSession.update(Update)
def update(tx: Tx, session: CheckoutSession, wanted: Update) -> CheckoutSession:
    """Update a session; of one that is complete or expired, only metadata."""
    sent = wanted.sent()
    others = sorted(set(sent) - {"metadata"})
    require(
        session.status == "open" or not others,
        f"You cannot update `{others[0] if others else ''}` of a Checkout Session whose status is"
        f" `{session.status}`.",
        param=others[0] if others else None,
    )
    require(
        not others or not session.pending.get("awaits"),
        "This Checkout Session has a payment that is under way: it cannot be updated now.",
        param=others[0] if others else None,
    )
    changes: dict[str, Any] = {}
    if "metadata" in sent:
        changes["metadata"] = merged(session.metadata, wanted.metadata)
    if wanted.collected_information:
        changes["collected_information"] = {
            **(session.collected_information or {}),
            **rows.plain_value(wanted.collected_information),
        }
    if wanted.payment_intent_data:
        changes["data"] = {**session.data, "payment_intent_data": intent_data(session, wanted)}
    if "shipping_options" in sent:
        require(
            session.mode == "payment",
            f"You can not pass `shipping_options` in `{session.mode}` mode.",
            param="shipping_options",
        )
        changes |= shipping.options(tx, wanted.shipping_options or [], session.currency)
    if wanted.line_items is None and "shipping_options" not in sent:
        return rows.update(tx, session, **changes)
    before = lines.lines_of(tx, "session", session.id)
    after = before if wanted.line_items is None else replaced(tx, session, wanted.line_items, before)
    return recalculate(tx, session, session.but(**changes), after)


def intent_data(session: CheckoutSession, wanted: Update) -> dict[str, Any]:
    require(
        session.mode == "payment",
        f"You can not pass `payment_intent_data` in `{session.mode}` mode.",
        param="payment_intent_data",
    )
    before = session.data.get("payment_intent_data") or terms.PaymentIntentData().shown()
    given = wanted.payment_intent_data
    sent = given.sent() if given else {}
    if "metadata" in sent:
        sent["metadata"] = merged(before["metadata"] or {}, sent["metadata"])
    return {**before, **sent}


def replaced(
    tx: Tx, session: CheckoutSession, wanted: Sequence[params.ChangedLine], before: Sequence[PricedLine]
) -> list[PricedLine]:
    """Return the lines of a request in place of those before; one that is named by its id keeps its price."""
    known = {one.item.id: one for one in before}
    resolved: list[params.ChangedLine] = []
    ids: list[str | None] = []
    for place, line in enumerate(wanted):
        if line.id is None:
            resolved.append(line)
            ids.append(None)
            continue
        if line.id not in known:
            message = f"No such line item: '{line.id}'"
            raise Refused(message, param=f"line_items[{place}][id]", code="resource_missing")
        old = known.pop(line.id)
        fields = {**line.sent(), "id": line.id}
        if line.price is None and line.price_data is None:
            fields["price"] = old.price.id
        fields.setdefault("quantity", old.item.quantity)
        resolved.append(made(params.ChangedLine, **fields))
        ids.append(line.id)
    built = lines.build(tx, resolved, {"session": session.id}, session.mode, session.currency)
    return [
        PricedLine(one.item.but(id=id) if id else one.item, one.price, one.product)
        for one, id in zip(built, ids, strict=True)
    ]


def recalculate(
    tx: Tx, before: CheckoutSession, after: CheckoutSession, priced: Sequence[PricedLine], **more: Any
) -> CheckoutSession:
    """Calculate the amounts of a session again, and write it with new lines."""
    customer = rows.find(tx, Customer, before.customer, deleted=True) if before.customer else None
    found = totals.calculate(tx, after, customer, priced)
    rows.delete_where(tx, LineItem, "session = %(id)s", id=before.id)
    rows.insert_many(tx, found.items)
    changed = {name: getattr(after, name) for name in CheckoutSession.columns}
    return rows.update(tx, before, **{**changed, **found.changes, **more})


def taxed_anew(tx: Tx, before: CheckoutSession, said: CheckoutSession) -> CheckoutSession | None:
    """Calculate the taxes of a session at the address that the customer has entered.

    Returns the changed session where the total is another one, or could not be calculated; None where the
    customer has seen the total that is due.
    """
    customer = rows.find(tx, Customer, before.customer) if before.customer else None
    priced = lines.lines_of(tx, "session", before.id)
    found = totals.calculate(tx, said, customer, priced).changes
    complete = found["automatic_tax"]["status"] == "complete"
    if complete and found["amount_total"] == before.amount_total:
        return None
    return recalculate(tx, before, said, priced)


# ------------------------------------------------------------------------------------- the end of a session


def recover(tx: Tx, session: CheckoutSession) -> CheckoutSession | None:
    """Begin an expired session again as a new one, for thirty days and if it allows that (§9.1)."""
    recovery = (session.after_expiration or {}).get("recovery")
    if session.status != "expired" or not recovery or not recovery["enabled"]:
        return None
    if (recovery["expires_at"] or 0) < (seconds(tx.now) or 0):
        return None
    id = new_id(f"{CheckoutSession.prefix}{'live' if tx.livemode else 'test'}_")
    fresh = session.but(
        id=id,
        after_expiration={"recovery": {**recovery, "expires_at": None, "url": None}},
        allow_promotion_codes=recovery["allow_promotion_codes"] or session.allow_promotion_codes,
        attempt_until=None,
        created=EPOCH,
        expires_at=tx.now.replace(microsecond=0) + params.LONGEST,
        pending={},
        recovered_from=session.id,
        status="open",
        url=links.checkout(tx, id),
    )
    made_before = rows.select(
        tx,
        CheckoutSession,
        "recovered_from = %(id)s and status = 'open'",
        "order by id limit 1",
        id=session.id,
    )
    if made_before:
        return made_before[0]
    customer = rows.find(tx, Customer, session.customer) if session.customer else None
    priced = [
        PricedLine(
            one.item.but(id=new_id(LineItem.prefix), created=EPOCH, session=id), one.price, one.product
        )
        for one in lines.lines_of(tx, "session", session.id)
    ]
    return insert(tx, fresh, customer, priced)


@CheckoutSession.below("GET", "line_items", listing.Paging, of=CheckoutSession)
def line_items(tx: Tx, session: CheckoutSession, wanted: listing.Paging) -> listing.Page:
    """List the line items of a session, with their amounts."""
    where = Where("session = %(session)s", session=session.id)
    return listing.below(tx, LineItem, where, wanted, f"/v1/checkout/sessions/{session.id}/line_items")


def is_over(session: CheckoutSession, now: datetime) -> bool:
    return session.status == "open" and session.expires_at <= now
