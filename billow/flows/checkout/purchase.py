"""Begin what a checkout session sells: its customer, and a subscription, a payment or a saved method."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from billow.api import rows
from billow.api.params import made, specs
from billow.core.errors import Inconsistent, needed, require
from billow.flows.billing import discounts
from billow.flows.billing.discounts import DiscountTerm, Owner
from billow.flows.checkout import agreement, invoices, lines
from billow.flows.customers import payment_methods
from billow.flows.customers.locations import located
from billow.flows.invoices import invoice_intents
from billow.flows.payments import collect, paid_before, setup_intents
from billow.flows.payments.amounts import check_amount
from billow.flows.quotes.lines import PricedLine, discount_params
from billow.flows.subscription_terms.params import Subscribe
from billow.flows.subscriptions import create
from billow.providers.gateways import StoredMethod
from billow.resources import customer as customers
from billow.resources import method_options
from billow.resources import tax_id as tax_ids
from billow.resources.attempt import Attempt
from billow.resources.checkout_session import CheckoutSession
from billow.resources.customer import Customer, TaxNumber
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.price import Price
from billow.resources.setup_intent import SetupIntent
from billow.store import clocks
from billow.store.ids import new_id, secret
from billow.store.tx import Tx

PAGES = {"capture_method"}
"""The option of a method that a session has for all of its page (`payment_intent_data`)."""


@dataclass(frozen=True, slots=True)
class Card:
    """A test card as it was typed in. It is passed to the gateway and never kept."""

    number: str = field(repr=False)
    exp_month: int
    exp_year: int
    cvc: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Payer:
    """What the customer entered on the page."""

    email: str | None = None
    name: str | None = None
    business_name: str | None = None
    individual_name: str | None = None
    phone: str | None = None
    address: dict[str, Any] | None = None
    shipping: dict[str, Any] | None = None
    tax_id: TaxNumber | None = None
    consent: dict[str, Any] | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    """The answers to the merchant's own fields, by their keys."""
    card: Card | None = None
    iban: str | None = field(default=None, repr=False)
    """An account that is debited, in place of a card. The gateway alone keeps it."""
    method: str | None = None
    """A saved payment method of the customer, in place of a card."""
    stored: StoredMethod | None = None
    """A method that was entered on a page of the gateway's, in place of a card."""
    accepted: Mapping[str, str] = field(default_factory=dict)
    """From which address and browser a mandate was given, where the method is debited by one."""
    locale: str | None = None
    """In which language the page was, and as which country writes it: de-AT."""


def details(session: CheckoutSession, payer: Payer) -> dict[str, Any]:
    """Return the `customer_details` after the customer has filled in the page."""
    known = session.customer_details or {}
    return {
        "address": payer.address or known.get("address"),
        "business_name": payer.business_name,
        "email": payer.email or known.get("email"),
        "individual_name": payer.individual_name,
        "name": payer.name or known.get("name"),
        "phone": payer.phone,
        "tax_exempt": known.get("tax_exempt") or "none",
        "tax_ids": [payer.tax_id.shown()] if payer.tax_id else [],
    }


def collected(session: CheckoutSession, payer: Payer) -> dict[str, Any]:
    """Return the changes of a session that keep what the customer entered, but for the card."""
    fields = [
        {**one, one["type"]: {**one[one["type"]], "value": payer.answers.get(one["key"])}}
        for one in session.custom_fields
    ]
    information = {
        "business_name": payer.business_name,
        "individual_name": payer.individual_name,
        "shipping_details": payer.shipping,
    }
    return {
        "collected_information": information,
        "consent": payer.consent,
        "custom_fields": fields,
        "customer_details": details(session, payer),
    }


def needs_customer(session: CheckoutSession) -> bool:
    """Return whether completing the session creates a customer where it names none."""
    intent = session.data.get("payment_intent_data") or {}
    return (
        session.mode == "subscription"
        or session.customer_creation == "always"
        or bool(intent.get("setup_future_usage"))
        or bool((session.invoice_creation or {}).get("enabled"))
    )


def customer_of(tx: Tx, session: CheckoutSession, payer: Payer) -> Customer | None:
    """Return the customer who pays, and create one where the session needs it. Locks the customer."""
    known = session.customer or session.pending.get("customer")
    if known is None:
        return create_customer(tx, payer) if needs_customer(session) else None
    customer = rows.lock(tx, Customer, known)
    if session.customer is None:
        return correct_customer(tx, customer, payer)
    updates = session.data.get("customer_update") or {}
    shipping = {"phone": payer.phone, **payer.shipping} if payer.shipping else None
    wanted: dict[str, Any] = {"address": payer.address, "name": payer.name, "shipping": shipping}
    changes = {name: wanted[name] for name in wanted if wanted[name] and updates.get(name) == "auto"}
    if changes.keys() & {"address", "shipping"}:
        changes["tax"] = located(tx, customer.but(**changes))
    return rows.update(tx, customer, **changes)


def correct_customer(tx: Tx, customer: Customer, payer: Payer) -> Customer:
    """Write what was entered now to the customer whom a declined attempt of the session has created."""
    return rows.update(tx, customer, email=payer.email, name=payer.name, phone=payer.phone)


def create_customer(tx: Tx, payer: Payer) -> Customer:
    customer = Customer(
        address=payer.address,
        business_name=payer.business_name,
        email=payer.email,
        individual_name=payer.individual_name,
        name=payer.name,
        phone=payer.phone,
        preferred_locales=[payer.locale] if payer.locale else [],
        shipping={"phone": payer.phone, **payer.shipping} if payer.shipping else None,
    )
    customer = customer.but(tax=located(tx, customer))
    created = rows.insert(tx, customer.but(**customers.fresh(tx, customer)))
    if payer.tax_id:
        tax_ids.add(tx, tax_ids.drawn(tx, payer.tax_id, created.id))
    return created


def declines_as_payment(session: CheckoutSession) -> bool:
    """Check whether a declined card leaves a failed payment or set-up, which the customer repeats.

    Where nothing is paid at once, as in a trial, a card is refused that is declined when it is stored.
    """
    return session.mode == "setup" or bool(session.amount_total)


def has_invoice(session: CheckoutSession) -> bool:
    """Return whether a one-time payment has an invoice, which is made once it is paid."""
    return session.mode == "payment" and bool((session.invoice_creation or {}).get("enabled"))


# ------------------------------------------------------------------------------------- what is sold


def begin(
    tx: Tx, session: CheckoutSession, customer: Customer | None, method: PaymentMethod | None
) -> tuple[dict[str, Any], list[Attempt]]:
    """Begin what the session sells; return what was made for it, and the attempts to send to the gateway."""
    if session.mode == "payment" and session.amount_total:
        check_amount(session.amount_total, session.currency or "")
    priced = lines.lines_of(tx, "session", session.id)
    if session.mode == "setup":
        return begin_setup(tx, session, customer, method)
    if session.mode == "subscription":
        if customer is None:
            raise Inconsistent("A subscription has a customer.")
        return begin_subscription(tx, session, customer, method, priced)
    if has_invoice(session) and customer and not session.amount_total:
        return {"invoice": invoices.write(tx, session, customer, priced).id}, []
    return begin_payment(tx, session, customer, method, session.amount_total or 0)


def begin_setup(
    tx: Tx, session: CheckoutSession, customer: Customer | None, method: PaymentMethod | None
) -> tuple[dict[str, Any], list[Attempt]]:
    """Begin to set the method up; it is attached to the customer when the gateway has agreed."""
    if method is None:
        raise Inconsistent("There is no method to save.")
    intent = rows.lock(tx, SetupIntent, session.setup_intent or "")
    if customer:
        intent = rows.update(tx, intent, event=None, customer=customer.id)
    attempt = setup_intents.begin(tx, intent, method, setup_intents.Confirm())
    return {"setup_intent": intent.id}, [attempt]


def begin_subscription(
    tx: Tx,
    session: CheckoutSession,
    customer: Customer,
    method: PaymentMethod | None,
    priced: list[PricedLine],
) -> tuple[dict[str, Any], list[Attempt]]:
    """Begin to pay what is due at once; the subscription is made when that is paid, or the debit accepted.

    Where nothing is due at once, it is written now.
    """
    due = due_at_once(tx, session, customer, method, priced)
    if due:
        return begin_payment(tx, session, customer, method, due.amount_due, invoice_intents.shares_of(due))
    if method and not method.customer:
        method = payment_methods.attach_if_new(tx, method, customer.id)
    subscription, invoice = create.begin(tx, customer, *agreed(tx, session, customer, method, priced))
    found = {"subscription": subscription.id, "invoice": invoice.id if invoice else None}
    if invoice is None or not create.needs_payment(invoice):
        return found, []
    how = collect.Manner(automatic=False, off_session=False, method=method.id if method else None)
    return found, collect.begin_attempts(tx, [invoice], how)


def agreed(
    tx: Tx,
    session: CheckoutSession,
    customer: Customer,
    method: PaymentMethod | None,
    priced: list[PricedLine],
) -> tuple[Subscribe, list[Price]]:
    """Return the params of the subscription that the session sells, and the prices of its items."""
    wanted = agreement.subscription_params(
        session,
        priced,
        customer.id,
        discounts=discount_params(tx, session.discount_ids),
        method=method.id if method else None,
        redeemed="redeemed" in session.pending,
    )
    return wanted, [one.price for one in priced if one.recurs]


def due_at_once(
    tx: Tx,
    session: CheckoutSession,
    customer: Customer,
    method: PaymentMethod | None,
    priced: list[PricedLine],
) -> Invoice | None:
    """Return the first invoice if it asks for a payment after the customer's balance, by making it on trial.

    What cannot be sold is refused here, before anything is charged.
    """
    with tx.taken_back() as trial:
        if method and not method.customer:
            method = payment_methods.attach_if_new(trial, method, customer.id)
        wanted = agreed(trial, session, customer, method, priced)
        _, invoice = create.begin(trial, customer, *wanted)
        return invoice if invoice and invoice.amount_due and create.needs_payment(invoice) else None


def is_made_by(session: CheckoutSession, intent: PaymentIntent) -> bool:
    """Check whether a payment makes what it buys: once it succeeds, or is accepted, for a subscription."""
    accepted = session.mode == "subscription" and intent.status == "processing"
    return accepted or intent.status == "succeeded"


def finish(tx: Tx, session: CheckoutSession, intent: PaymentIntent) -> dict[str, Any]:
    """Make what a payment has bought that has succeeded: the subscription, or the invoice.

    A subscription begins once its bank debit is accepted, with an invoice that is open until the money comes.
    Returns what was made, as the session keeps it; nothing for a payment that has neither.
    """
    if intent.invoice or not (session.mode == "subscription" or has_invoice(session)):
        return {}
    customer = rows.lock(tx, Customer, session.customer or session.pending["customer"])
    priced = lines.lines_of(tx, "session", session.id)
    if session.mode == "payment":
        return {"invoice": invoices.write(tx, session, customer, priced, intent).id}
    method = rows.find(tx, PaymentMethod, intent.payment_method or "")
    if not method.customer:
        method = payment_methods.attach_if_new(tx, method, customer.id)
    wanted = agreed(tx, session, customer, method, priced)
    subscription, invoice = create.begin(tx, customer, *wanted, paid_by=intent)
    first = needed(invoice, "the first invoice of what was paid")
    if intent.status == "processing":
        paid_before.await_money(tx, first, intent)
    else:
        paid_before.record(tx, first, intent)
    return {"subscription": subscription.id, "invoice": subscription.latest_invoice}


def begin_payment(
    tx: Tx,
    session: CheckoutSession,
    customer: Customer | None,
    method: PaymentMethod | None,
    amount: int,
    shared: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], list[Attempt]]:
    """Write or reuse the payment intent of the session, and the attempt to pay it.

    What is `shared` of the payment of a subscription's first invoice is said on its intent.
    """
    redeemed = {"redeemed": redeem(tx, session, customer)}
    if not amount:
        return redeemed, []
    if method is None:
        raise Inconsistent("A payment has a method.")
    intent = intent_of(tx, session, customer, amount)
    if shared:
        intent = rows.update(tx, intent, event=None, **shared)
    attempt = collect.begin(tx, intent, method, automatic=False, off_session=False)
    return {"payment_intent": intent.id, **redeemed}, [attempt]


def tried_intent(session: CheckoutSession) -> str | None:
    """Return the id of the intent that an earlier attempt left; a subscription's is not shown."""
    pending = session.pending
    return session.payment_intent or pending.get("payment_intent") or pending.get("tried")


def intent_of(tx: Tx, session: CheckoutSession, customer: Customer | None, amount: int) -> PaymentIntent:
    """Return the intent that an earlier attempt left, or write a new one. Locks it."""
    data = session.data.get("payment_intent_data") or {}
    if session.mode == "subscription":
        data = {"description": "Subscription creation", "setup_future_usage": "off_session"}
    if tried := tried_intent(session):
        found = rows.lock(tx, PaymentIntent, tried)
        if found.status != "canceled":
            return rows.update(tx, found, event=None, amount=amount)
    id = new_id(PaymentIntent.prefix)
    sent = {name: value for name, value in data.items() if value and name in PaymentIntent.columns}
    intent = PaymentIntent(
        id=id,
        amount=amount,
        client_secret=secret(f"{id}_secret_", 25),
        currency=session.currency or "",
        customer=customer.id if customer else None,
        payment_method_options=options_of(session),
    )
    return rows.insert(tx, intent.but(**sent))


def options_of(session: CheckoutSession) -> dict[str, Any] | None:
    """Return the options of methods that a session hands to its payment: those that payments have."""
    shapes, sent = specs(method_options.PaymentOptions), dict[str, dict[str, Any]]()
    for type, own in (session.payment_method_options or {}).items():
        known = specs(shapes[type].shape) if type in shapes else {}
        sent[type] = {name: value for name, value in (own or {}).items() if name in known.keys() - PAGES}
    return method_options.shown(session.payment_method_types or ["card"], sent) or None


def redeem(tx: Tx, session: CheckoutSession, customer: Customer | None) -> list[tuple[str, str | None]]:
    """Redeem the coupon and code of a payment without an invoice, whose discount belongs to nothing else.

    Before the card is charged, since nothing may refuse a payment that was taken; `completion.refuse` takes
    it back. Returns each coupon with its code. Refuses what can no longer be redeemed.
    """
    terms = [made(DiscountTerm, **one.sent()) for one in discount_params(tx, session.discount_ids)]
    if not terms:
        return []
    owner = Owner(customer or Customer(), session.currency, subtotal=session.amount_subtotal)
    found = discounts.redeemable(tx, terms, owner)
    discounts.count_redemptions(tx, found)
    return [(one.coupon.id, one.code.id if one.code else None) for one in found]


def saved_method(tx: Tx, session: CheckoutSession, id: str) -> PaymentMethod:
    """Find the saved method that the customer chose, which must be the customer's own."""
    found = rows.find(tx, PaymentMethod, id, param="payment_method")
    require(found.customer == session.customer, "The payment method is not the customer's.")
    return found


def with_clock(tx: Tx, session: CheckoutSession) -> Tx:
    return clocks.enter(tx, session.test_clock)
