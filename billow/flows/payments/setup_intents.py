"""Create, update, confirm, verify and cancel setup intents."""

from typing import Any

from billow.api import fields as f
from billow.api import render, rights, rows
from billow.api.fields import CREATE
from billow.api.operation import merged_value
from billow.api.params import Params, made, merged
from billow.core import lifecycle
from billow.core.errors import Refused, require
from billow.core.payments import Declined, Deposits, NeedsAction
from billow.flows.customers.payment_methods import NewMethod
from billow.flows.outside.outside import gateway, gateway_named, gateway_of
from billow.flows.payments import (
    able_accounts,
    card_terms,
    collect,
    confirmation_tokens,
    intent_methods,
    intent_states,
    mandates,
    settle,
)
from billow.resources.attempt import Attempt
from billow.resources.customer import Customer
from billow.resources.intent_shapes import AutomaticMethods, MandateData, types_listed
from billow.resources.method_options import SetUpOptions
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.setup_attempt import SetupAttempt
from billow.resources.setup_intent import SHOWN_TO_BROWSERS, SetupIntent, check_secret
from billow.resources.subscription import Subscription
from billow.store import clocks
from billow.store.ids import new_id, secret
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

DIRECTIONS = ("inbound", "outbound")


class Methods(Params):
    allowed_payment_method_types: list[str] | None = types_listed(unset=True)
    payment_method: str | None = f.ref("payment_method")
    payment_method_data: Any = f.nested(shape=NewMethod)
    payment_method_options: SetUpOptions | None = f.nested(shape=SetUpOptions)


class Terms(Methods):
    attach_to_self: bool | None = f.boolean()
    customer: str | None = f.ref("customer")
    description: str | None = f.text(unset=True)
    excluded_payment_method_types: list[str] | None = types_listed(unset=True)
    flow_directions: list[str] | None = f.array(item=f.choice(CREATE, *DIRECTIONS), unset=True)
    metadata: dict[str, str] = f.metadata()
    payment_method_configuration: str | None = f.text()


class SingleUse(Params):
    amount: int = f.amount(min=1, required=True)
    currency: str = f.currency(required=True)


class Confirming(Methods):
    confirmation_token: str | None = f.ref("confirmation_token")
    mandate_data: MandateData | None = f.nested(shape=MandateData, unset=True)
    return_url: str | None = f.url()
    use_stripe_sdk: bool = f.boolean(default=False)


class Create(Terms, Confirming):
    automatic_payment_methods: AutomaticMethods | None = f.nested(shape=AutomaticMethods)
    confirm: bool = f.boolean(default=False)
    on_behalf_of: str | None = f.ref("account")
    single_use: SingleUse | None = f.nested(shape=SingleUse)
    usage: str = f.choice(CREATE, "off_session", "on_session", default="off_session")


class Update(Terms):
    pass


class Confirm(Confirming):
    client_secret: str | None = f.text()


class Cancel(Params):
    cancellation_reason: str | None = f.choice(CREATE, "abandoned", "duplicate", "requested_by_customer")


class Verify(Params):
    amounts: list[int] | None = f.array(item=f.integer(min=1, max=99), max=2)
    client_secret: str | None = f.text()
    descriptor_code: str | None = f.text(max=6)


@SetupIntent.create(Create)
def create(tx: Tx, wanted: Create) -> Steps:
    """Create a setup intent, and confirm it if the request says so."""
    customer = rows.lock(tx, Customer, wanted.customer, param="customer") if wanted.customer else None
    tx = clocks.enter(tx, customer.test_clock if customer else None)
    if wanted.on_behalf_of:
        able_accounts.check_on_behalf_of(tx, wanted.on_behalf_of)
    check_self(wanted)
    columns = intent_methods.columns_of(tx, intent_methods.wish_of(wanted, None))
    for name in ("confirmation_token", "mandate_data", "return_url", "single_use"):
        require(
            wanted.confirm or not wanted.given(name),
            f"The parameter `{name}` cannot be passed when creating a SetupIntent unless `confirm` is set"
            " to true.",
            param=name,
        )
    tx, method = yield from intent_methods.named(tx, wanted)
    tx = clocks.of_customer(tx, wanted.customer) if wanted.customer else tx
    intent = new(wanted.customer, columns).but(
        attach_to_self=wanted.attach_to_self,
        card_terms=card_terms.said(wanted.payment_method_options, confirming=wanted.confirm) or None,
        description=wanted.description,
        flow_directions=wanted.flow_directions,
        metadata=merged({}, wanted.metadata),
        on_behalf_of=wanted.on_behalf_of,
        payment_method=method.id if method else None,
        status="requires_confirmation" if method else "requires_payment_method",
        usage=wanted.usage,
    )
    if method:
        intent_methods.check_owner(method, wanted.customer)
        intent_methods.check_type(intent, method)
    inserted = rows.insert(tx, intent)
    if not wanted.confirm:
        return inserted
    names = ("confirmation_token", "mandate_data", "return_url")
    sent = {name: getattr(wanted, name) for name in names}
    sent |= confirmation_tokens.said_before(wanted, inserted)
    said = made(Confirm, **{name: value for name, value in sent.items() if value})
    confirmed = yield from confirm_with(tx, inserted, said, wanted.single_use)
    return confirmed


def new(customer: str | None, columns: dict[str, Any]) -> SetupIntent:
    """Return a setup intent that is not yet written."""
    id = new_id(SetupIntent.prefix)
    return SetupIntent(id=id, client_secret=secret(f"{id}_secret_", 25), customer=customer, **columns)


def check_self(wanted: Terms) -> None:
    require(
        not (wanted.attach_to_self and wanted.customer),
        "You may only specify one of these parameters: attach_to_self, customer.",
        param="attach_to_self",
        code="parameters_exclusive",
    )


@SetupIntent.update(Update)
def update(tx: Tx, intent: SetupIntent, wanted: Update) -> Steps:
    """Update a setup intent: what it says always, and its customer and method until it is confirmed."""
    sent = wanted.sent()
    intent_states.check_updatable(
        tx, intent, [name for name in sent if name not in ("description", "metadata")]
    )
    check_self(wanted)
    tx, method = yield from intent_methods.named(tx, wanted)
    intent = rows.lock(tx, SetupIntent, intent.id)
    tx = clocks.of_customer(tx, intent.customer) if intent.customer else tx
    names = ("attach_to_self", "customer", "description", "flow_directions")
    changes: dict[str, Any] = {name: sent[name] for name in names if name in sent}
    if wanted.customer:
        rows.find(tx, Customer, wanted.customer, param="customer")
    if "metadata" in sent:
        changes["metadata"] = merged_value(intent, "metadata", sent["metadata"])
    if any(name in sent for name in TYPES):
        changes |= intent_methods.columns_after(tx, intent, wanted, None)
    elif wanted.payment_method_options:
        changes["payment_method_options"] = intent_methods.options_after(
            intent, wanted.payment_method_options
        )
    if said := card_terms.said(wanted.payment_method_options, confirming=False):
        changes["card_terms"] = {**(intent.card_terms or {}), **said}
    if method:
        intent_methods.check_owner(method, changes.get("customer") or intent.customer)
        intent_methods.check_type(intent.but(**changes), method)
        changes["payment_method"], changes["next_action"] = method.id, None
        changes["status"] = lifecycle.after(lifecycle.SETUP_INTENT, intent.status, "attach_method")
    return rows.update(tx, intent, event=None, **changes)


TYPES = ("allowed_payment_method_types", "excluded_payment_method_types", "payment_method_configuration")


@SetupIntent.action("confirm", Confirm)
@rights.browser(*SHOWN_TO_BROWSERS)
def confirm(tx: Tx, intent: SetupIntent, wanted: Confirm) -> Steps:
    """Confirm a setup intent: set the given payment method or the intent's up for later payments."""
    check_secret(intent, wanted.client_secret)
    confirmed = yield from confirm_with(tx, intent, wanted)
    return confirmed


def confirm_with(tx: Tx, intent: SetupIntent, wanted: Confirm, single_use: SingleUse | None = None) -> Steps:
    """Confirm a setup intent, as `confirm` does; `single_use` asks for a mandate of one payment."""
    intent_states.check_confirmable(tx, intent)
    gateway(tx)
    wanted = confirmation_tokens.filled(tx, wanted)
    tx, method = yield from intent_methods.named(tx, wanted)
    intent = rows.lock(tx, SetupIntent, intent.id)
    intent_states.check_confirmable(tx, intent)
    tx = clocks.of_customer(tx, intent.customer) if intent.customer else tx
    confirmation_tokens.use(tx, wanted.confirmation_token, intent)
    if method is None and intent.payment_method is None:
        raise intent_states.without_method(tx, intent)
    method = method or rows.find(tx, PaymentMethod, intent.payment_method or "")
    intent_methods.check_owner(method, intent.customer)
    if single_use:
        once = mandates.write_single_use(tx, method, wanted.mandate_data, single_use.shown())
        intent = rows.update(tx, intent, event=None, single_use_mandate=once.id)
    attempt = begin(tx, intent, method, wanted)
    tx, outcome = yield ask(collect.carry_out, gateway_named(tx, attempt.gateway), attempt)
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    return answer_of(tx, intent.id)


def begin(tx: Tx, intent: SetupIntent, method: PaymentMethod, wanted: Confirm) -> Attempt:
    """Write down the attempt to set a method up, as the gateway is asked and as the API shows it."""
    if wanted.allowed_payment_method_types:
        columns = intent_methods.columns_after(tx, intent, wanted, None)
        intent = rows.update(tx, intent, event=None, **columns)
    elif wanted.payment_method_options:
        options = intent_methods.options_after(intent, wanted.payment_method_options)
        intent = rows.update(tx, intent, event=None, payment_method_options=options)
    browser = wanted.client_secret is not None
    said = card_terms.said(wanted.payment_method_options, confirming=True, browser=browser)
    intent = intent.but(card_terms={**(intent.card_terms or {}), **said} or None)
    intent_methods.check_type(intent, method)
    mandate = mandates.of_intent(tx, method, wanted.mandate_data, intent)
    attempt = collect.write_down(
        tx,
        Attempt(
            kind="setup",
            setup_intent=intent.id,
            customer=intent.customer,
            amount=0,
            currency="",
            payment_method=method.id,
            token=method.token,
            method_type=method.type,
            three_d_secure=collect.asked(intent, method),
            card_terms=card_terms.of_attempt(intent, method),
            off_session=intent.usage == "off_session",
            gateway=gateway_of(tx, method.gateway, None, method.type).name,
            automatic=False,
        ),
    )
    shown = rows.insert(
        tx,
        SetupAttempt(
            attach_to_self=intent.attach_to_self,
            attempt=attempt.id,
            customer=intent.customer,
            flow_directions=intent.flow_directions,
            on_behalf_of=intent.on_behalf_of,
            payment_method=method.id,
            payment_method_details=details_of(method, attempt),
            setup_intent=intent.id,
            status="processing",
            usage=intent.usage,
        ),
    )
    rows.update(
        tx,
        intent,
        event=None,
        card_terms=None,
        latest_attempt=shown.id,
        mandate=mandate.id if mandate else None,
        next_action=None,
        payment_method=method.id,
        return_url=wanted.return_url or intent.return_url,
        status=lifecycle.after(lifecycle.SETUP_INTENT, intent.status, "confirm"),
    )
    return attempt


#: What a setup attempt shows of a card.
OF_CARDS = (
    "brand",
    "checks",
    "country",
    "exp_month",
    "exp_year",
    "fingerprint",
    "funding",
    "last4",
    "wallet",
)


def details_of(method: PaymentMethod, attempt: Attempt) -> dict[str, Any]:
    """Return what a setup attempt shows of its method."""
    if method.type != "card":
        return {method.type: {}, "type": method.type}
    card = method.card or {}
    shown = {name: card.get(name) for name in OF_CARDS}
    known = {**shown, "network": card.get("brand"), "three_d_secure": None, **card_terms.shown(attempt)}
    return {"card": known, "type": "card"}


def answer_of(tx: Tx, id: str) -> SetupIntent | Refused:
    """Return a setup intent after an attempt, or the 402 answer of one that was declined, which keeps it."""
    after = rows.find(tx, SetupIntent, id)
    if after.status != "requires_payment_method":
        return after
    error = dict(after.last_setup_error or {})
    return Refused(
        error.pop("message", "Your card was declined."),
        code=error.pop("code", "card_declined"),
        status=402,
        type="card_error",
        setup_intent=render.one(tx, after),
        **{name: value for name, value in error.items() if name not in ("type", "doc_url")},
    )


@SetupIntent.action("cancel", Cancel)
def cancel(tx: Tx, intent: SetupIntent, wanted: Cancel) -> SetupIntent:
    """Cancel a setup intent; the subscription that waits for it waits no longer."""
    intent_states.check_cancelable(tx, intent)
    return canceled(tx, intent, wanted.cancellation_reason)


def canceled(tx: Tx, intent: SetupIntent, reason: str | None) -> SetupIntent:
    """Write that a setup intent is canceled. Emits `setup_intent.canceled`."""
    after = rows.update(
        tx,
        intent,
        event="setup_intent.canceled",
        cancellation_reason=reason,
        next_action=None,
        status=lifecycle.after(lifecycle.SETUP_INTENT, intent.status, "cancel"),
    )
    for subscription in rows.lock_many(
        tx, Subscription, [intent.subscription] if intent.subscription else []
    ):
        if subscription.pending_setup_intent == intent.id:
            rows.update(tx, subscription, pending_setup_intent=None)
    return after


def verify(tx: Tx, intent: SetupIntent | PaymentIntent, wanted: Verify) -> Steps:
    """Verify the bank account of an intent: `tx = yield from verify(…)`."""
    require(
        (intent.next_action or {}).get("type") == "verify_with_microdeposits",
        f"This {intent_states.called(intent)} does not wait for the verification of a bank account.",
        code=f"{intent.noun}_unexpected_state",
    )
    require(
        bool(wanted.amounts) != bool(wanted.descriptor_code),
        "You must pass either amounts or descriptor_code to verify microdeposits.",
        param="amounts",
        code="parameter_missing",
    )
    waiting = collect.awaiting_action(tx, intent.id)
    if waiting is None:
        raise intent_states.unexpected(tx, intent, "There is no attempt to verify.")
    proof = Deposits(tuple(wanted.amounts or ()), wanted.descriptor_code)
    tx, outcome = yield ask(gateway_named(tx, waiting.gateway).verify, waiting.id, proof)
    if isinstance(outcome, Declined):
        param = "descriptor_code" if wanted.descriptor_code else "amounts"
        raise Refused(outcome.message, code=outcome.code, param=param)
    if outcome is not None and not isinstance(outcome, NeedsAction):
        collect.settle_after_action(tx, waiting.id, outcome)
    return tx


@SetupIntent.action("verify_microdeposits", Verify)
@rights.browser(*SHOWN_TO_BROWSERS)
def verify_setup(tx: Tx, intent: SetupIntent, wanted: Verify) -> Steps:
    """Verify the bank account of a setup intent by what its owner reads on the statement."""
    check_secret(intent, wanted.client_secret)
    tx = yield from verify(tx, intent, wanted)
    return answer_of(tx, intent.id)


@PaymentIntent.action("verify_microdeposits", Verify)
@rights.browser("id", "object", "client_secret", "created", "livemode", "next_action", "status")
def verify_payment(tx: Tx, intent: PaymentIntent, wanted: Verify) -> Steps:
    """Verify the bank account of a payment intent by what its owner reads on the statement."""
    tx = yield from verify(tx, intent, wanted)
    return rows.find(tx, PaymentIntent, intent.id)
