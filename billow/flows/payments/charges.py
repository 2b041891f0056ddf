"""Create and capture charges without an invoice or intent."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params, made, merged
from billow.core.errors import Inconsistent, Refused, require
from billow.core.money import show
from billow.flows.customers import payment_methods
from billow.flows.customers.payment_methods import store_source
from billow.flows.outside.outside import gateway, gateway_named, gateway_of
from billow.flows.payments import collect, holds, refunds, settle, shares
from billow.flows.payments.amounts import check_amount, check_descriptor, check_units
from billow.flows.payments.statement_lines import statement_descriptors
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge, card_of
from billow.resources.customer import Customer, Shipping
from billow.resources.payment_method import PaymentMethod, RadarOptions
from billow.store import clocks
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

NO_CARD = "Cannot charge a customer that has no active card"


class Destination(Params):
    """The connected account to which a charge is transferred, and how much of it, if not all."""

    amount: int | None = f.amount(min=1)
    destination: str = f.text(required=True)


class FormerDestination(Params):
    """The older form of `transfer_data`."""

    account: str = f.text(required=True)
    amount: int | None = f.amount(min=1)


class Create(Params):
    amount: int = f.amount(required=True, min=1)
    application_fee: int | None = f.amount(min=0)
    application_fee_amount: int | None = f.amount(min=0)
    capture: bool = f.boolean(default=True)
    currency: str = f.currency(required=True)
    customer: str | None = f.text()
    description: str | None = f.text(unset=True)
    destination: FormerDestination | None = f.nested(shape=FormerDestination)
    metadata: dict[str, str] = f.metadata()
    on_behalf_of: str | None = f.ref("account")
    radar_options: RadarOptions | None = f.nested(shape=RadarOptions)
    receipt_email: str | None = f.email(unset=True)
    shipping: Shipping | None = f.nested(shape=Shipping)
    source: str | None = f.text()
    statement_descriptor: str | None = f.line(max=22, unset=True)
    statement_descriptor_suffix: str | None = f.line(max=22, unset=True)
    transfer_data: Destination | None = f.nested(shape=Destination)
    transfer_group: str | None = f.text(unset=True)


@Charge.create(Create)
def create(tx: Tx, wanted: Create) -> Steps:
    """Charge a token, a card of the customer, or the default card; a decline is answered with 402."""
    # Locks the customer. The failed charge of a decline is kept, so the answer is returned and not raised.
    wanted = in_newer_form(wanted)
    check(wanted)
    shares.check_terms(tx, wanted, wanted.amount, "charge")
    customer = rows.lock(tx, Customer, wanted.customer, param="customer") if wanted.customer else None
    if customer:
        gateway(tx)
        tx = clocks.enter(tx, customer.test_clock)
        method = card_of_customer(tx, customer, wanted.source)
    else:
        require(wanted.source, "Must provide source or customer.", code="parameter_missing")
        tx, method = yield from store_source(tx, wanted.source or "", wanted.currency, check=False)
        method = rows.insert(tx, method, event=None)
    attempt = begin(tx, wanted, customer, method)
    tx, outcome = yield ask(collect.carry_out, gateway_named(tx, attempt.gateway), attempt)
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    charge = rows.find(tx, Charge, attempt.charge or "")
    return decline_error(charge) if charge.status == "failed" else charge


def in_newer_form(wanted: Any) -> Any:
    """Return the params of a charge or capture with their older forms in the newer ones."""
    forms = {"application_fee": "application_fee_amount", "destination": "transfer_data"}
    given = {older: newer for older, newer in forms.items() if wanted.given(older)}
    sent = {name: value for name, value in wanted.sent().items() if name not in given}
    for older, newer in given.items():
        require(
            not wanted.given(newer),
            f"You may only specify one of these parameters: {older}, {newer}.",
            param=older,
            code="parameters_exclusive",
        )
        value = getattr(wanted, older)
        if isinstance(value, FormerDestination):
            require(
                value.amount is None or not wanted.given("application_fee"),
                "You may only specify one of these parameters: application_fee, destination[amount].",
                param="destination[amount]",
                code="parameters_exclusive",
            )
            value = Destination(amount=value.amount, destination=value.account)
        sent[newer] = value
    return made(type(wanted), **sent)


def check(wanted: Create) -> None:
    check_amount(wanted.amount, wanted.currency)
    for name in ("statement_descriptor", "statement_descriptor_suffix"):
        check_descriptor(name, getattr(wanted, name))


def card_of_customer(tx: Tx, customer: Customer, source: str | None) -> PaymentMethod:
    """Return the card that `source` names, which must be the customer's, or the customer's default card."""
    id = source or payment_methods.method_id(customer)
    found = rows.find_many(tx, PaymentMethod, [id]).get(id) if id else None
    if found and found.customer == customer.id and found.card:
        return found
    if source:
        raise Refused(
            f"Customer {customer.id} does not have a linked source with ID {source}.",
            status=402,
            type="card_error",
            code="missing",
            param="source",
        )
    raise Refused(NO_CARD, status=402, type="card_error", code="missing", param="card")


def begin(tx: Tx, wanted: Create, customer: Customer | None, method: PaymentMethod) -> Attempt:
    """Write the charge as pending, and the attempt that finds out its outcome if this process dies."""
    charge = rows.insert(
        tx,
        Charge(
            amount=wanted.amount,
            currency=wanted.currency,
            customer=customer.id if customer else None,
            payment_method=method.id,
            description=wanted.description,
            metadata=merged({}, wanted.metadata),
            receipt_email=wanted.receipt_email,
            application_fee_amount=wanted.application_fee_amount,
            on_behalf_of=wanted.on_behalf_of,
            radar_options=wanted.radar_options.shown() if wanted.radar_options else None,
            shipping=wanted.shipping.shown() if wanted.shipping else None,
            source=card_of(method.id, method.card or {}, method.billing_details, method.customer),
            status="pending",
            transfer_data=rows.plain_value(wanted.transfer_data.shown()) if wanted.transfer_data else None,
            transfer_group=wanted.transfer_group,
            **statement_descriptors(tx, wanted.statement_descriptor, wanted.statement_descriptor_suffix),
        ),
        event=None,
    )
    return collect.write_down(
        tx,
        Attempt(
            customer=charge.customer,
            charge=charge.id,
            amount=charge.amount,
            currency=charge.currency,
            payment_method=method.id,
            token=method.token,
            method_type=method.type,
            capture=wanted.capture,
            gateway=gateway_of(tx, method.gateway, wanted.currency, method.type).name,
            automatic=False,
        ),
    )


def decline_error(charge: Charge) -> Refused:
    """Build the 402 answer to a failed charge; returning it, not raising it, keeps the failed charge."""
    if not (charge.failure_code and charge.failure_message):
        raise Inconsistent(f"The charge {charge.id} did not fail.")
    reason = (charge.outcome or {}).get("reason")
    more = {"decline_code": reason} if reason != charge.failure_code else {}
    return Refused(
        charge.failure_message,
        status=402,
        type="card_error",
        code=charge.failure_code,
        charge=charge.id,
        **more,
    )


class CapturedShare(Params):
    amount: int | None = f.amount(min=1)


class Capture(Params):
    amount: int | None = f.amount(min=1)
    application_fee: int | None = f.amount(min=0)
    application_fee_amount: int | None = f.amount(min=0)
    receipt_email: str | None = f.email(unset=True)
    statement_descriptor: str | None = f.line(max=22, unset=True)
    statement_descriptor_suffix: str | None = f.line(max=22, unset=True)
    transfer_data: CapturedShare | None = f.nested(shape=CapturedShare)
    transfer_group: str | None = f.text(unset=True)


@Charge.action("capture", Capture)
def capture(tx: Tx, charge: Charge, wanted: Capture) -> Steps:
    """Capture an authorized charge, in full or in part; the rest of the hold is released."""
    wanted = in_newer_form(wanted)
    left = holds.hold_of(charge).left()
    amount = wanted.amount if wanted.amount is not None else left
    check_capture(tx, charge, amount)
    attempt = begin_capture(tx, charge, amount)
    changes = {
        name: wanted.sent()[name] for name in ("receipt_email", "transfer_group") if wanted.given(name)
    }
    if wanted.statement_descriptor or wanted.statement_descriptor_suffix:
        for name in ("statement_descriptor", "statement_descriptor_suffix"):
            check_descriptor(name, getattr(wanted, name))
        changes |= statement_descriptors(tx, wanted.statement_descriptor, wanted.statement_descriptor_suffix)
    rows.update(tx, charge, event=None, **changes, **shares.at_capture(tx, charge, wanted, amount))
    tx, outcome = yield ask(collect.carry_out, gateway_named(tx, attempt.gateway), attempt)
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    after = rows.find(tx, Charge, charge.id)
    return after if after.captured else capture_error(after)


def check_capture(tx: Tx, charge: Charge, amount: int) -> None:
    require(charge.status == "succeeded", f"Charge {charge.id} was not successful and cannot be captured.")
    if charge.captured:
        raise Refused(f"Charge {charge.id} has already been captured.", code="charge_already_captured")
    hold = holds.hold_of(charge)
    expired = charge.refunded or tx.now >= holds.until(charge)
    require(
        not expired,
        f"Charge {charge.id} can no longer be captured: what it held was let go.",
        code="charge_expired_for_capture",
    )
    require(
        amount <= hold.capturable(final=True),
        f"The amount to capture ({show(amount, charge.currency)}) is greater than the charge's"
        f" ({show(hold.capturable(final=True), charge.currency)}).",
        param="amount",
        code="amount_too_large",
    )
    check_units(amount, charge.currency)


def begin_capture(tx: Tx, charge: Charge, amount: int, final: bool = True) -> Attempt:
    """Write down a capture, or return the last one of this amount that was begun and not answered.

    Refuses one while another is under way, or while the hold is raised or let go: of a part the same amount
    can be captured twice, so that a second request is not the first. The caller has locked the charge.
    """
    begun = refunds.processing_capture(tx, charge)
    other = begun and not (begun.final and final and begun.amount == amount)
    if other or refunds.is_changing(tx, charge):
        raise refunds.in_use(charge)
    return begun or collect.write_down(tx, of_hold(charge, amount).but(kind="capture", final=final))


def of_hold(charge: Charge, amount: int) -> Attempt:
    """Return an attempt that captures a hold, or raises it."""
    return Attempt(
        customer=charge.customer,
        charge=charge.id,
        amount=amount,
        currency=charge.currency,
        token=charge.reference or "",
        automatic=False,
        gateway=charge.gateway,
    )


def capture_error(charge: Charge) -> Refused:
    return Refused(
        f"Charge {charge.id} could not be captured: the gateway refused it.",
        code="charge_expired_for_capture",
    )
