"""Create, attach and detach payment methods, and choose the one that pays."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from billow.api import fields as f
from billow.api import listing, params, rows
from billow.api.fields import CREATE
from billow.api.params import Params, merged
from billow.api.resource import EPOCH, route
from billow.core.errors import Refused, require
from billow.core.payments import Declined, names_test_method
from billow.flows.outside.outside import gateway_for, refuse_test_card
from billow.providers.gateways import StoredMethod, accounts
from billow.resources import card as cards
from billow.resources import payment_method as methods
from billow.resources import token as tokens
from billow.resources.card import Card
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_method import BillingDetails, PaymentMethod, RadarOptions
from billow.resources.payment_method_types import BY_NAME
from billow.resources.subscription import Subscription
from billow.resources.token import Token
from billow.store import clocks
from billow.store.ids import new_id
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

ADDRESS = {
    "address_city": "city",
    "address_country": "country",
    "address_line1": "line1",
    "address_line2": "line2",
    "address_state": "state",
    "address_zip": "postal_code",
}
"""The fields of a card's address, and their names in `billing_details[address]`."""


CVC = re.compile(r"[0-9]{3,4}")
MISSING = "resource_missing"
"""The code with which a gateway says that it does not know a card."""


def card_error(declined: Declined) -> Refused:
    """Return the error with which a declined card is refused (§1.10)."""
    why = declined.decline_code or None
    param = "number" if declined.code == "incorrect_number" else None
    return Refused(
        declined.message, status=402, type="card_error", code=declined.code, decline_code=why, param=param
    )


def new_method(
    answer: StoredMethod | Declined, sent: Mapping[str, Any] | None = None, **values: Any
) -> PaymentMethod:
    """Return an unwritten payment method as the gateway described it; refuse a declined card.

    `sent` is what a request says of the method besides what the gateway knows.
    """
    if isinstance(answer, Declined):
        raise card_error(answer)
    values = {"id": new_id(PaymentMethod.prefix), **methods.shown(answer.method, sent or {}), **values}
    return PaymentMethod(token=answer.reference, gateway=answer.gateway or None, **values)


def find_or_store(tx: Tx, given: str, param: str | None) -> Steps:
    """Find and lock the payment method of an id: `tx, method = yield from find_or_store(…)`.

    A test card by its name (`pm_card_visa`) is stored at the gateway and becomes a new method, not yet
    written: `attach_if_new` inserts it.
    """
    if not names_test_method(given):
        return tx, rows.lock(tx, PaymentMethod, given, param=param)
    tx, answer = yield from store(tx, given, param)
    return tx, new_method(answer)


def store_source(tx: Tx, token: str, currency: str | None = None, check: bool = True) -> Steps:
    """Store the card of a token with the id of a source: `tx, method = yield from store_source(…)`."""
    tx, answer, used = yield from store_token(tx, token, "source", check, currency)
    return tx, typed_in(new_method(answer, id=used.card["id"] if used else new_id("card_")), used)


def store_token(
    tx: Tx, token: str, param: str | None, check: bool = True, currency: str | None = None
) -> Steps:
    """Store the card of a token, which is used by that: `tx, answer, used = yield from store_token(…)`.

    `used` is None for a ready token, such as tok_visa, and for a number.
    """
    used = tokens.use(tx, token, param)
    tx, answer = yield from store(tx, used.reference if used else token, param, "card", check, currency)
    return tx, answer, used


def typed_in(method: PaymentMethod, token: Token | None) -> PaymentMethod:
    """Return a new method with the expiry, name and address that were typed in with the card of a token."""
    if token is None or token.card is None:
        return method
    typed = token.card
    address = {name: typed[older] for older, name in ADDRESS.items()}
    return method.but(
        card={**(method.card or {}), "exp_month": typed["exp_month"], "exp_year": typed["exp_year"]},
        billing_details={**method.billing_details, "name": typed["name"], "address": address},
    )


def store(
    tx: Tx, token: str, param: str | None, type: str = "card", check: bool = True, currency: str | None = None
) -> Steps:
    """Store a method at a gateway: `tx, answer = yield from store(…)`. Refuses a test card in live mode.

    The gateway is the one for payments of the type, and of the currency if that is known already. Without
    `check` a card that declines is stored: the charge that follows says so.
    """
    refuse_test_card(tx, token, param)
    provider = gateway_for(tx, currency=currency, type=type)
    tx, answer = yield ask(provider.store_method, token, type, check)
    if isinstance(answer, StoredMethod):
        return tx, replace(answer, gateway=provider.name)
    if isinstance(answer, Declined) and answer.code == MISSING:  # a mistake of the program, not of the payer
        noun = "PaymentMethod" if token.startswith("pm_") else "token"
        raise Refused(
            f"No such {noun}: '{token}'", param=param or "id", code=MISSING, status=400 if param else 404
        )
    return tx, answer


def attach_if_new(tx: Tx, method: PaymentMethod, customer: str) -> PaymentMethod:
    """Attach a method to a customer, unless it is attached; insert it if it is not yet written.

    Emits `payment_method.attached`, and `customer.source.created` of a source.
    """
    if method.created == EPOCH:
        given = method.but(customer=customer, card=methods.checked(method.card))
        made = rows.insert(tx, given, event="payment_method.attached")
        if is_source(made):
            rows.emit(tx, [(cards.drawn(made), None)], "created")
        return made
    return methods.attach(tx, method, customer)


def is_source(method: PaymentMethod) -> bool:
    """Return whether a method was attached as a source, and is a card of the older part of the API."""
    return method.id.startswith(Card.prefix)


def find_and_attach(tx: Tx, customer: str, given: str, param: str | None) -> Steps:
    """Attach the payment method of an id to a customer: `tx, method = yield from find_and_attach(…)`."""
    tx, method = yield from find_or_store(tx, given, param)
    tx = clocks.of_customer(tx, customer)
    return tx, attach_if_new(tx, method, customer)


class Networks(Params):
    preferred: str | None = f.choice(CREATE, "cartes_bancaires", "mastercard", "visa")


class GivenCard(Params):
    cvc: str | None = f.text()
    exp_month: int | None = f.integer()
    exp_year: int | None = f.integer(min=0, max=2100)
    networks: Networks | None = f.nested(shape=Networks)
    number: str | None = f.text(max=30)
    token: str | None = f.text()


GIVEN = {name: one.given for name, one in BY_NAME.items()} | {"card": GivenCard}
"""The shape of the hash in which each type is sent."""


class Described(Params):
    """What describes a new payment method, besides the hash of its type."""

    allow_redisplay: str = f.choice(CREATE, "always", "limited", "unspecified", default="unspecified")
    billing_details: BillingDetails | None = f.nested(shape=BillingDetails)
    metadata: dict[str, str] = f.metadata()
    radar_options: RadarOptions | None = f.nested(shape=RadarOptions)
    type: str = f.choice(CREATE, *BY_NAME, required=True)


class NewMethod(Described):
    """A new payment method, as it is created alone or within the request that uses it."""

    __annotations__ = dict.fromkeys(GIVEN, Any)
    vars().update({name: f.nested(shape=shape) for name, shape in GIVEN.items()})


def new_from(tx: Tx, wanted: Described, at: str = "", check: bool = True) -> Steps:
    """Store the method that a request describes, not yet written: `tx, method = yield from new_from(…)`.

    `at` is the param that holds the description. Without `check` a card that declines is stored.
    """
    common = {"allow_redisplay": wanted.allow_redisplay, "metadata": merged({}, wanted.metadata)}
    if wanted.billing_details:
        common["billing_details"] = wanted.billing_details.shown()
    if wanted.radar_options:
        common["radar_options"] = wanted.radar_options.shown()
    check_type(wanted, at)
    if wanted.type == "card":
        tx, method = yield from new_card(tx, wanted, at, check)
        return tx, method.but(**common)
    kind, given = BY_NAME[wanted.type], getattr(wanted, wanted.type)
    sent = given.shown() if given else {}
    number = sent.get(kind.number) if kind.number else None
    name = within(at, f"{kind.name}[{kind.number}]" if kind.number else kind.name)
    require(
        number or not kind.number, f"Missing required param: {name}.", param=name, code="parameter_missing"
    )
    tx, answer = yield from store(tx, number or kind.name, name, kind.name)
    if isinstance(answer, Declined):
        raise Refused(answer.message, param=name, code=answer.code)
    return tx, new_method(answer, sent, **common)


def check_type(wanted: Described, at: str) -> None:
    """Check that a request describes a method of its own type only, and describes it where it must."""
    given = wanted.sent()
    for name in sorted(given.keys() & BY_NAME.keys()):
        require(
            name == wanted.type,
            f"You provided the `{within(at, name)}` parameter, but its type is {wanted.type}.",
            param=within(at, name),
        )
    shape = params.specs(GIVEN[wanted.type])
    if wanted.type not in given and (wanted.type == "card" or any(one.required for one in shape.values())):
        raise params.missing(within(at, wanted.type))


def within(at: str, name: str) -> str:
    """Return the name of a param inside the hash `at`: `payment_method_data[card][number]`."""
    head, bracket, rest = name.partition("[")
    return f"{at}[{head}]{bracket}{rest}" if at else name


def new_card(tx: Tx, wanted: Described, at: str, check: bool) -> Steps:
    """Store the card that a request describes: `tx, method = yield from new_card(…)`."""
    card: GivenCard = getattr(wanted, wanted.type)
    token, number = card.token, card.number
    require(
        (token is None) != (number is None),
        "Pass exactly one of card[token] and card[number].",
        param=within(at, "card[number]"),
        code="parameter_missing",
    )
    for name in ("exp_month", "exp_year") if number else ():
        if getattr(card, name) is None:
            raise params.missing(within(at, f"card[{name}]"))
    given = token or (number or "").replace(" ", "")
    tx, answer, used = yield from store_token(
        tx, given, within(at, "card[token]" if token else "card[number]"), check
    )
    method = typed_in(new_method(answer), used)
    typed: dict[str, Any] = {}
    if number:
        typed = {"exp_month": card.exp_month, "exp_year": full_year(card.exp_year or 0)}
        check_expiry(tx, card.exp_month or 0, typed["exp_year"])
        check_cvc(card.cvc)
    if card.networks:
        typed["networks"] = {**(method.card or {})["networks"], "preferred": card.networks.preferred}
    return tx, method.but(card={**(method.card or {}), **typed})


def check_expiry(tx: Tx, month: int, year: int) -> None:
    """Refuse a card whose expiry, as it was typed in, is no month or is over (402)."""
    if not 1 <= month <= 12 or (year, month) < (tx.now.year, tx.now.month):
        part = "month" if not 1 <= month <= 12 or year >= tx.now.year else "year"
        raise typed_wrong(
            f"Your card's expiration {part} is invalid.", f"invalid_expiry_{part}", f"exp_{part}"
        )


def check_cvc(cvc: str | None) -> None:
    """Refuse a security code, as it was typed in, that is not three or four digits (402)."""
    if cvc is not None and not CVC.fullmatch(cvc):
        raise typed_wrong("Your card's security code is invalid.", "invalid_cvc", "cvc")


def typed_wrong(message: str, code: str, param: str) -> Refused:
    return Refused(message, status=402, type="card_error", code=code, param=param)


def full_year(year: int) -> int:
    """Return a year of two digits with its century.

    >>> full_year(30), full_year(2030)
    (2030, 2030)
    """
    return year if year > 99 else 2000 + year


class Attach(Params):
    customer: str = f.ref("customer", required=True)


@route("POST", "/v1/payment_methods/{id}/attach", Attach)
def attach(tx: Tx, id: str, wanted: Attach) -> Steps:
    """Attach a payment method to a customer."""
    customer = rows.lock(tx, Customer, wanted.customer, param="customer")
    tx, method = yield from find_and_attach(tx, customer.id, id, None)
    return method


@route("GET", "/v1/payment_methods/{id}")
def retrieve(tx: Tx, id: str) -> Steps:
    """Retrieve a payment method; show a test card by its name as if it were stored."""
    if not names_test_method(id):
        return rows.find(tx, PaymentMethod, id)
    tx, answer = yield from store(tx, id, None)
    return new_method(answer, id=id, created=tx.now)


@PaymentMethod.action("detach")
def detach(tx: Tx, method: PaymentMethod) -> PaymentMethod:
    """Detach a payment method for good, and clear it as a default of the customer and its subscriptions.

    Emits their updates, `payment_method.detached`, and `customer.source.deleted` of a source.
    """
    require(
        method.customer,
        "The payment method you provided is not attached to a customer so detachment is impossible.",
    )
    customer = rows.lock(tx, Customer, method.customer or "")
    changes: dict[str, Any] = {}
    if customer.invoice_settings["default_payment_method"] == method.id:
        changes["invoice_settings"] = {**customer.invoice_settings, "default_payment_method": None}
    if customer.default_source == method.id:
        changes["default_source"] = None
    if is_source(method):
        rows.emit(tx, [(cards.drawn(method), None)], "deleted")
    rows.update(tx, customer, **changes)
    where = "customer = %(customer)s and default_payment_method = %(id)s"
    paid_by_it = rows.select(
        tx, Subscription, where, "order by id for update", customer=customer.id, id=method.id
    )
    rows.update_many(tx, [(subscription, {"default_payment_method": None}) for subscription in paid_by_it])
    return rows.update(tx, method, event="payment_method.detached", customer=None, detached=True)


class MethodFilters(listing.Paging):
    allow_redisplay: str | None = f.choice(CREATE, "always", "limited", "unspecified")
    type: str | None = f.choice(CREATE, *methods.TYPES)


@Customer.below("GET", "payment_methods", MethodFilters, of=PaymentMethod)
def list_of_customer(tx: Tx, customer: Customer, wanted: MethodFilters) -> listing.Page:
    """List the payment methods of a customer."""
    where = listing.where_of(tx, PaymentMethod, {"customer": customer.id, **wanted.sent()})
    return listing.below(tx, PaymentMethod, where, wanted, f"/v1/customers/{customer.id}/payment_methods")


@Customer.below("GET", "payment_methods/{payment_method}", of=PaymentMethod)
def retrieve_of_customer(tx: Tx, customer: Customer, id: str) -> PaymentMethod:
    """Retrieve a payment method of a customer."""
    method = rows.find(tx, PaymentMethod, id)
    if method.customer != customer.id:
        raise rows.no_such(tx, PaymentMethod, id)
    return method


def method_id(
    customer: Customer, subscription: Subscription | None = None, invoice: Invoice | None = None
) -> str | None:
    """Return the id of the payment method that pays, or None.

    The invoice's default comes first, then the subscription's, then the customer's.
    """
    return (
        (invoice and (invoice.default_payment_method or invoice.default_source))
        or (subscription and (subscription.default_payment_method or subscription.default_source))
        or (customer.invoice_settings or {}).get("default_payment_method")
        or customer.default_source
    )


Payer = tuple[Customer, Subscription | None, Invoice | None]
"""Who pays, and what for: the customer, the subscription and the invoice, whose own methods come first."""


def methods_of(tx: Tx, payers: Mapping[str, Payer]) -> dict[str, PaymentMethod]:
    """Find the payment method of each payer, by the keys of `payers`, in one statement.

    A payer has none whose method is detached, or is a test card in live mode.
    """
    ids = {key: method_id(*payer) for key, payer in payers.items()}
    found = rows.find_many(tx, PaymentMethod, [id for id in ids.values() if id])
    methods = {key: found[id] for key, id in ids.items() if id in found}
    return {
        key: method
        for key, method in methods.items()
        if method.customer == payers[key][0].id
        and not (tx.livemode and accounts.is_test_method(method.token))
    }
