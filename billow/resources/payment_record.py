"""Payment records: payments that were made elsewhere, as they were reported, and each attempt at them."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.resources.charge import MANDATE, MANDATES

PRESENCES = ("off_session", "on_session")
DEBITS = {**MANDATES, "sepa_debit": MANDATE}
"""Where the details of a method name other objects, as those of charges do."""
OUTCOMES = ("canceled", "failed", "guaranteed")


def money(name: str) -> Any:
    """Declare an amount that is shown with its currency."""

    def shown(row: Any, now: datetime, view: dict[str, Any]) -> dict[str, Any]:
        return {"currency": row.currency, "value": getattr(row, name)}

    return f.computed(shown)


def nothing() -> Any:
    """Declare an amount that is always zero: what is reported was never authorized with us."""
    return f.computed(lambda row, now, view: {"currency": row.currency, "value": 0})


class PaymentRecord(Resource, object="payment_record", path="/v1/payment_records", prefix="pr_", events=()):
    """A payment that was made elsewhere: by check, in cash, through another processor."""

    owner = "customer"

    amount: dict[str, Any] = money("requested")
    amount_authorized: dict[str, Any] = nothing()
    amount_canceled: dict[str, Any] = money("canceled")
    amount_failed: dict[str, Any] = money("failed")
    amount_guaranteed: dict[str, Any] = money("guaranteed")
    amount_refunded: dict[str, Any] = money("refunded")
    amount_requested: dict[str, Any] = money("requested")
    application: str | None = f.absent()
    customer_details: dict[str, Any] | None = f.nested()
    customer_presence: str | None = f.choice(SHOWN, *PRESENCES)
    description: str | None = f.text()
    latest_payment_attempt_record: str | None = f.text()
    metadata: dict[str, str] = f.metadata(SHOWN)
    payment_method_details: dict[str, Any] | None = f.nested(refs=DEBITS)
    processor_details: dict[str, Any] = f.nested(default={"custom": None, "type": "custom"})
    reported_by: str = f.absent("self")
    shipping_details: dict[str, Any] | None = f.nested()

    canceled: int = f.amount(default=0, hidden=True)
    currency: str = f.currency(required=True, hidden=True)
    customer: str | None = f.ref("customer", hidden=True)
    failed: int = f.amount(default=0, hidden=True)
    guaranteed: int = f.amount(default=0, hidden=True)
    guaranteed_at: datetime | None = f.timestamp(hidden=True)
    invoice: str | None = f.text(hidden=True)
    """The invoice that it pays."""
    refunded: int = f.amount(default=0, hidden=True)
    refunds: list[dict[str, Any]] = f.array(default=[], hidden=True)
    """What was given back: reference, amount, instant, how much of it credit notes have taken over; and how
    the rest of it was booked, if it was given back of an invoice."""
    requested: int = f.amount(default=0, hidden=True)


class Filters(Params):
    created_after: datetime | None = f.timestamp()
    created_before: datetime | None = f.timestamp()


@PaymentRecord.listing(Filters)
def listing(tx: Any, wanted: Filters) -> Where:
    """List payment records, newest first."""
    where = Where()
    if wanted.created_after:
        where = where.also("created > %(created_after)s", created_after=wanted.created_after)
    if wanted.created_before:
        where = where.also("created < %(created_before)s", created_before=wanted.created_before)
    return where


class PaymentAttemptRecord(
    Resource, object="payment_attempt_record", path="/v1/payment_attempt_records", prefix="par_", events=()
):
    """One attempt at a payment that was made elsewhere, and how it ended."""

    amount: dict[str, Any] = money("requested")
    amount_authorized: dict[str, Any] = nothing()
    amount_canceled: dict[str, Any] = money("canceled")
    amount_failed: dict[str, Any] = money("failed")
    amount_guaranteed: dict[str, Any] = money("guaranteed")
    amount_refunded: dict[str, Any] = money("refunded")
    amount_requested: dict[str, Any] = money("requested")
    application: str | None = f.absent()
    customer_details: dict[str, Any] | None = f.nested()
    customer_presence: str | None = f.choice(SHOWN, *PRESENCES)
    description: str | None = f.text()
    metadata: dict[str, str] = f.metadata(SHOWN)
    payment_method_details: dict[str, Any] | None = f.nested(refs=DEBITS)
    payment_record: str | None = f.text()
    processor_details: dict[str, Any] = f.nested(default={"custom": None, "type": "custom"})
    reported_by: str = f.absent("self")
    shipping_details: dict[str, Any] | None = f.nested()

    canceled: int = f.amount(default=0, hidden=True)
    currency: str = f.currency(required=True, hidden=True)
    customer: str | None = f.text(hidden=True)
    failed: int = f.amount(default=0, hidden=True)
    guaranteed: int = f.amount(default=0, hidden=True)
    initiated_at: datetime = f.timestamp(required=True, hidden=True)
    refunded: int = f.amount(default=0, hidden=True)
    requested: int = f.amount(default=0, hidden=True)


class AttemptFilters(Params):
    payment_record: str = f.text(required=True)


@PaymentAttemptRecord.listing(AttemptFilters)
def attempts(tx: Any, wanted: AttemptFilters) -> Where:
    """List the attempts of a payment record, newest first."""
    return Where("payment_record = %(payment_record)s", payment_record=wanted.payment_record)
