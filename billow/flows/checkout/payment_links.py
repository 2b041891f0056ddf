"""Create and update payment links, and begin a checkout session at each visit of one."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from billow.api import listing, rows
from billow.api.params import made, merged, missing, read
from billow.api.resource import Where
from billow.core.errors import Refused, require
from billow.flows.checkout import lines, link_params, params, sessions, shipping, totals
from billow.flows.checkout.link_params import ChangedLine, Create, Update
from billow.flows.checkout.params import without_nulls
from billow.flows.papers import links
from billow.flows.payments import able_accounts
from billow.flows.quotes.lines import PricedLine
from billow.flows.taxes import params as taxes
from billow.resources import checkout_terms as terms
from billow.resources.checkout_session import CheckoutSession
from billow.resources.line_item import LineItem
from billow.resources.payment_link import PaymentLink
from billow.resources.price import Price
from billow.store.ids import new_id
from billow.store.tx import Tx

INACTIVE = "This payment link is no longer active."
DEFAULTS: dict[str, Any] = {
    "after_completion": {"hosted_confirmation": {"custom_message": None}, "type": "hosted_confirmation"}
}


@PaymentLink.create(Create)
def create(tx: Tx, wanted: Create) -> PaymentLink:
    """Create a payment link: a lasting address at which anybody can buy what it offers."""
    check(tx, wanted)
    if not wanted.line_items:
        raise Refused("Missing required param: line_items.", param="line_items", code="parameter_missing")
    id = new_id(PaymentLink.prefix)
    given = [made(params.Line, **one.sent()) for one in wanted.line_items]
    recurring = is_recurring(tx, given)
    mode = "subscription" if recurring else "payment"
    check_shipping(mode, wanted.shipping_options)
    priced = lines.build(tx, given, {"payment_link": id}, mode, wanted.currency)
    currency = priced[0].item.currency
    link = PaymentLink(
        id=id,
        currency=currency,
        metadata=merged({}, wanted.metadata),
        mode=mode,
        url=links.payment_link(tx, id),
        **defaults(mode, link_params.shown_fields(wanted)),
        **restrictions(tx, wanted, 0),
        automatic_tax=automatic_tax(PaymentLink().automatic_tax, wanted),
        shipping_options=options(tx, wanted, currency),
    )
    inserted = rows.insert(tx, link)
    rows.insert_many(tx, [with_amounts(tx, one, mode) for one in priced])
    return inserted


def automatic_tax(before: dict[str, Any], wanted: Any) -> dict[str, Any]:
    return taxes.kept(before, wanted.automatic_tax) if wanted.automatic_tax else before


def is_recurring(tx: Tx, wanted: Sequence[params.Line]) -> bool:
    """Return whether any line recurs: the link then sells a subscription."""
    named = [one.price for one in wanted if one.price]
    found = rows.find_many(tx, Price, named).values()
    described = [one.price_data for one in wanted if one.price_data]
    return any(price.type == "recurring" for price in found) or any(one.recurring for one in described)


def check_shipping(mode: str, options: Any) -> None:
    """Refuse shipping of what recurs: only a payment is shipped, as at Stripe."""
    require(
        not (options and mode == "subscription"),
        "You can not pass `shipping_options` in `subscription` mode.",
        param="shipping_options",
    )


def defaults(mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a link, with what it has in its mode where the request says nothing."""
    found = {name: value for name, value in sent.items() if value is not None}
    if "after_completion" in found:
        found["after_completion"] = completion(found["after_completion"])
    if "custom_fields" in found:
        found["custom_fields"] = [
            sessions.custom_field(read(terms.CustomField, without_nulls(one)))
            for one in found["custom_fields"]
        ]
    if mode == "payment":
        found.setdefault("invoice_creation", {"enabled": False, "invoice_data": terms.InvoiceData().shown()})
    else:
        found.setdefault("customer_creation", "always")
        blank = {
            "description": None,
            "invoice_settings": {"issuer": {"type": "self"}},
            "metadata": {},
            "trial_period_days": None,
            "trial_settings": None,
        }
        found["subscription_data"] = blank | {
            name: value for name, value in found.get("subscription_data", {}).items() if value is not None
        }
    return found


def completion(given: dict[str, Any]) -> dict[str, Any]:
    """Return what follows a payment, with only the hash of its type."""
    type = given["type"]
    return {type: given[type] or {"custom_message": None}, "type": type}


def restrictions(tx: Tx, wanted: Any, count: int) -> dict[str, Any]:
    if not wanted.given("restrictions"):
        return {}
    if wanted.restrictions is None:
        return {"restrictions": None}
    limit = wanted.restrictions.completed_sessions.limit
    return {"restrictions": {"completed_sessions": {"count": count, "limit": limit}}}


def options(tx: Tx, wanted: Any, currency: str) -> list[dict[str, Any]]:
    given = [made(params.ShippingOption, **one.sent()) for one in wanted.shipping_options or []]
    found: list[dict[str, Any]] = shipping.options(tx, given, currency)["shipping_options"]
    return found


def check(tx: Tx, wanted: Any) -> None:
    """Refuse what cannot be honoured: automatic tax, and addresses that are none."""
    taxes.check_automatic_tax(tx, wanted.automatic_tax)
    if wanted.invoice_creation:
        sessions.check_rendering(tx, wanted.invoice_creation)
    after = wanted.after_completion
    if after and after.type == "redirect":
        if after.redirect is None:
            raise missing("after_completion[redirect][url]")
        params.check_url(tx, after.redirect.url, "after_completion[redirect][url]")
    params.check_fields(wanted.custom_fields or [])
    able_accounts.check_agreed(tx, wanted.transfer_data, wanted.on_behalf_of)


def with_amounts(tx: Tx, one: PricedLine, mode: str) -> LineItem:
    """Return a line with its amounts, before discounts and taxes that a customer brings."""
    session = CheckoutSession(mode=mode, currency=one.item.currency)
    [item] = totals.calculate(tx, session, None, [one]).items
    return item


@PaymentLink.update(Update)
def update(tx: Tx, link: PaymentLink, wanted: Update) -> PaymentLink:
    """Update a payment link. The prices of its lines are fixed; it is deactivated, and never deleted."""
    check(tx, wanted)
    sent = link_params.shown_fields(wanted)
    changes = {name: value for name, value in sent.items() if name != "active"}
    changes = {**changes, **{n: v for n, v in defaults(link.mode, changes).items() if n in changes}}
    if wanted.custom_text:
        changes["custom_text"] = {**link.custom_text, **rows.plain_value(wanted.custom_text.sent())}
    if wanted.given("custom_fields") and not wanted.custom_fields:
        changes["custom_fields"] = []
    if wanted.given("metadata"):
        changes["metadata"] = merged(link.metadata, wanted.metadata)
    changes["automatic_tax"] = automatic_tax(link.automatic_tax, wanted)
    check_shipping(link.mode, wanted.shipping_options)
    if wanted.active is not None:
        changes["active"] = wanted.active
    if wanted.given("shipping_options"):
        changes["shipping_options"] = options(tx, wanted, link.currency)
    done = ((link.restrictions or {}).get("completed_sessions") or {}).get("count", 0)
    changes |= restrictions(tx, wanted, done)
    if wanted.line_items is not None:
        change_lines(tx, link, wanted.line_items)
    return rows.update(tx, link, **changes)


def change_lines(tx: Tx, link: PaymentLink, wanted: Sequence[ChangedLine]) -> None:
    """Change quantities of the lines of a link; those that are not named are removed."""
    before = {one.item.id: one for one in lines.lines_of(tx, "payment_link", link.id)}
    after = []
    for place, line in enumerate(wanted):
        at = f"line_items[{place}]"
        if line.id not in before:
            raise Refused(f"No such line item: '{line.id}'", param=f"{at}[id]", code="resource_missing")
        old = before[line.id]
        quantity = old.item.quantity if line.quantity is None else line.quantity
        given = made(params.Line, quantity=quantity, adjustable_quantity=line.adjustable_quantity)
        adjusted = lines.adjustable(given, at) if line.adjustable_quantity else old.item.adjustable_quantity
        item = old.item.but(quantity=quantity, adjustable_quantity=adjusted, position=place)
        after.append(with_amounts(tx, PricedLine(item, old.price, old.product), link.mode))
    rows.delete_where(tx, LineItem, "payment_link = %(id)s", id=link.id)
    rows.insert_many(tx, after)


@PaymentLink.below("GET", "line_items", listing.Paging, of=PaymentLink)
def line_items(tx: Tx, link: PaymentLink, wanted: listing.Paging) -> listing.Page:
    """List the line items of a payment link."""
    where = Where("payment_link = %(link)s", link=link.id)
    return listing.below(tx, LineItem, where, wanted, f"/v1/payment_links/{link.id}/line_items")


# ------------------------------------------------------------------------------------- a visit

PASSED_ON = (
    "allow_promotion_codes",
    "billing_address_collection",
    "consent_collection",
    "custom_text",
    "managed_payments",
    "name_collection",
    "payment_method_collection",
    "phone_number_collection",
    "submit_type",
    "tax_id_collection",
)
"""What a session takes from its link as it is."""


def is_open(link: PaymentLink) -> bool:
    """Return whether anybody can still buy: the link is active, and its limit is not reached."""
    limited = (link.restrictions or {}).get("completed_sessions")
    return link.active and (limited is None or limited["count"] < limited["limit"])


def has_room(tx: Tx, link: PaymentLink, session: str) -> bool:
    """Check whether one more session of a link may be paid: those under way count like completed ones.

    The caller has locked the link, so that of two sessions one waits for the other.
    """
    limited = (link.restrictions or {}).get("completed_sessions")
    if limited is None:
        return True
    under_way = rows.select(
        tx,
        CheckoutSession,
        "payment_link = %(link)s and status = 'open' and id <> %(session)s"
        " and (attempt_until is not null or pending->>'awaits' is not null)",
        link=link.id,
        session=session,
    )
    return bool(limited["count"] + len(under_way) < limited["limit"])


def visit(
    tx: Tx, link: PaymentLink, email: str | None = None, reference: str | None = None
) -> CheckoutSession:
    """Begin the checkout session of a visit; refused where the link is not open."""
    require(is_open(link), link.inactive_message or INACTIVE)
    id = new_id(f"{CheckoutSession.prefix}{'live' if tx.livemode else 'test'}_")
    data = {
        "payment_intent_data": {**(link.payment_intent_data or {}), **shares_of_payment(link)},
        "subscription_data": shares_of_subscription(link) if link.mode == "subscription" else None,
    }
    session = CheckoutSession(
        id=id,
        after_expiration=None,
        adaptive_pricing={"enabled": False},
        automatic_tax=sessions.automatic_tax(link.automatic_tax["enabled"]),
        branding_settings=sessions.branding(tx, None),
        client_reference_id=reference,
        currency=link.currency,
        custom_fields=link.custom_fields,
        customer_creation=link.customer_creation,
        customer_details=sessions.details_of(None, email, link.mode),
        customer_email=email,
        data={name: value for name, value in data.items() if value},
        discounts=[],
        expires_at=tx.now.replace(microsecond=0) + timedelta(hours=24),
        invoice_creation=link.invoice_creation if link.mode == "payment" else None,
        metadata=link.metadata,
        mode=link.mode,
        optional_items=link.optional_items,
        payment_link=link.id,
        payment_method_types=link.payment_method_types or ["card"],
        shipping_address_collection=link.shipping_address_collection,
        shipping_cost=shipping.cost(link.shipping_options[0]) if link.shipping_options else None,
        shipping_options=link.shipping_options,
        success_url=after(link),
        url=links.checkout(tx, id),
        **{name: getattr(link, name) for name in PASSED_ON},
    )
    offered = lines.lines_of(tx, "payment_link", link.id)
    own = {"id": "", "payment_link": None, "session": id}
    priced = [
        PricedLine(
            rows.born(tx, one.item.but(**{**own, "id": new_id(LineItem.prefix)})), one.price, one.product
        )
        for one in offered
    ]
    return sessions.insert(tx, session, None, priced)


def shares_of_payment(link: PaymentLink) -> dict[str, Any]:
    """Return what of a payment others have, as a link says it; nothing of a link that sells subscriptions."""
    names = ("application_fee_amount", "on_behalf_of", "transfer_data")
    return {name: getattr(link, name) for name in names if link.mode == "payment" and getattr(link, name)}


def shares_of_subscription(link: PaymentLink) -> dict[str, Any]:
    """Return what the subscription of a link gets, with whom it shares its invoices."""
    fee = PaymentLink.specs["application_fee_percent"].show(link.application_fee_percent)
    to = {"destination": link.transfer_data["destination"]} if link.transfer_data else None
    shared = {"application_fee_percent": fee, "on_behalf_of": link.on_behalf_of, "transfer_data": to}
    return {**(link.subscription_data or {}), **without_nulls(shared)}


def after(link: PaymentLink) -> str | None:
    """Return where the customer goes after the payment; None where a page of ours says thanks."""
    completed = link.after_completion
    return completed["redirect"]["url"] if completed["type"] == "redirect" else None


def count_completed(tx: Tx, id: str) -> None:
    """Count a completed session of a link; at its limit, the link is deactivated. Locks the link."""
    link = rows.lock(tx, PaymentLink, id)
    limited = (link.restrictions or {}).get("completed_sessions")
    if limited is None:
        return
    counted = {**limited, "count": limited["count"] + 1}
    ended = counted["count"] >= counted["limit"]
    rows.update(tx, link, restrictions={"completed_sessions": counted}, active=link.active and not ended)
