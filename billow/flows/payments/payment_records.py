"""Record payments that were made elsewhere, as they are reported: attempts, outcomes, refunds."""

from datetime import datetime
from typing import Any

from billow.api import rows
from billow.api.params import merged, missing
from billow.api.resource import route
from billow.core.errors import Refused, require
from billow.core.money import show
from billow.flows.payments import record_refunds
from billow.flows.payments.payment_record_params import (
    CustomerDetails,
    ReportAttempt,
    ReportCanceled,
    ReportFailed,
    ReportGuaranteed,
    ReportInformational,
    ReportPayment,
    ReportRefund,
)
from billow.resources.customer import Customer
from billow.resources.payment_method import PaymentMethod
from billow.resources.payment_record import OUTCOMES, PaymentAttemptRecord, PaymentRecord
from billow.store import clocks
from billow.store.ids import new_id
from billow.store.tx import Tx

AT = {"canceled": "canceled_at", "failed": "failed_at", "guaranteed": "guaranteed_at"}
DETAILS = ("description", "shipping_details")
TAKEN = ("customer", "customer_details", "customer_presence", "payment_method_details", "processor_details")
"""What an attempt has as its record has it."""


@route("POST", "/v1/payment_records/report_payment", ReportPayment)
def report_payment(tx: Tx, wanted: ReportPayment) -> PaymentRecord:
    """Record a payment that was made elsewhere, with its first attempt and its outcome, if there is one."""
    told = wanted.customer_details
    customer = told.customer if told else None
    if customer:
        found = rows.find(tx, Customer, customer, param="customer_details[customer]")
        tx = clocks.enter(tx, found.test_clock)
    processor = wanted.processor_details
    record = PaymentRecord(
        id=new_id(PaymentRecord.prefix),
        currency=wanted.amount_requested.currency,
        customer=customer,
        customer_details=told.shown() if told else None,
        customer_presence=wanted.customer_presence,
        metadata=merged({}, wanted.metadata),
        processor_details=processor.shown() if processor else {"custom": None, "type": "custom"},
        requested=wanted.amount_requested.value,
    )
    return begin_attempt(tx, rows.insert(tx, record), wanted)


@PaymentRecord.action("report_payment_attempt", ReportAttempt)
def report_attempt(tx: Tx, record: PaymentRecord, wanted: ReportAttempt) -> PaymentRecord:
    """Record another attempt at a payment that has not succeeded."""
    require(
        not record.guaranteed,
        "This payment has succeeded: no further attempt at it can be reported.",
        code="payment_record_unexpected_state",
    )
    return begin_attempt(tx, record, wanted)


@PaymentRecord.action("report_payment_attempt_canceled", ReportCanceled)
def report_canceled(tx: Tx, record: PaymentRecord, wanted: ReportCanceled) -> PaymentRecord:
    """Record that the latest attempt was canceled."""
    return end_attempt(tx, record, "canceled", wanted.canceled_at, wanted.metadata)


@PaymentRecord.action("report_payment_attempt_failed", ReportFailed)
def report_failed(tx: Tx, record: PaymentRecord, wanted: ReportFailed) -> PaymentRecord:
    """Record that the latest attempt failed."""
    return end_attempt(tx, record, "failed", wanted.failed_at, wanted.metadata)


@PaymentRecord.action("report_payment_attempt_guaranteed", ReportGuaranteed)
def report_guaranteed(tx: Tx, record: PaymentRecord, wanted: ReportGuaranteed) -> PaymentRecord:
    """Record that the latest attempt succeeded: the money is there."""
    return end_attempt(tx, record, "guaranteed", wanted.guaranteed_at, wanted.metadata)


@PaymentRecord.action("report_payment_attempt_informational", ReportInformational)
def report_informational(tx: Tx, record: PaymentRecord, wanted: ReportInformational) -> PaymentRecord:
    """Record what is known besides of a payment: its customer, what it is for, where it is shipped."""
    changes: dict[str, Any] = {
        name: rows.plain_value(getattr(wanted, name)) for name in DETAILS if wanted.given(name)
    }
    if wanted.customer_details:
        changes |= customer_of(tx, record, wanted.customer_details)
    changes["metadata"] = merged(record.metadata, wanted.metadata)
    attempt = rows.find(tx, PaymentAttemptRecord, record.latest_payment_attempt_record or "")
    rows.update(tx, attempt, **changes)
    return rows.update(tx, record, **changes)


def customer_of(tx: Tx, record: PaymentRecord, told: CustomerDetails) -> dict[str, Any]:
    """Return the customer of a record after a report; one that pays an invoice keeps its customer."""
    before = record.customer_details or dict.fromkeys(("customer", "email", "name", "phone"))
    details = {**before, **told.sent()}
    if told.customer:
        rows.find(tx, Customer, told.customer, param="customer_details[customer]")
    require(
        record.invoice is None or details["customer"] == record.customer,
        "This payment pays an invoice, whose customer it keeps.",
        param="customer_details[customer]",
    )
    return {"customer": details["customer"], "customer_details": details}


def begin_attempt(tx: Tx, record: PaymentRecord, wanted: ReportAttempt) -> PaymentRecord:
    """Write an attempt, which becomes the latest, and its outcome if it is reported with it."""
    method = wanted.payment_method_details
    if method and method.payment_method:
        path = "payment_method_details[payment_method]"
        rows.find(tx, PaymentMethod, method.payment_method, param=path)
    said: dict[str, Any] = {
        name: rows.plain_value(getattr(wanted, name)) for name in DETAILS if wanted.given(name)
    }
    if method:
        said["payment_method_details"] = method.shown()
    attempt = PaymentAttemptRecord(
        id=new_id(PaymentAttemptRecord.prefix),
        currency=record.currency,
        initiated_at=wanted.initiated_at,
        metadata=merged({}, wanted.metadata),
        payment_record=record.id,
        requested=record.requested,
        **{**{name: getattr(record, name) for name in TAKEN}, **said},
    )
    rows.insert(tx, attempt)
    changed = rows.update(
        tx,
        record,
        **said,
        canceled=0,
        failed=0,
        latest_payment_attempt_record=attempt.id,
        metadata=merged(record.metadata, wanted.metadata),
    )
    at = outcome_at(wanted)
    return end_attempt(tx, changed, wanted.outcome, at, {}) if wanted.outcome and at else changed


def outcome_at(wanted: ReportAttempt) -> datetime | None:
    """Return when the reported outcome was; refuse one without its instant, or the instant of another."""
    for name in OUTCOMES:
        require(
            name == wanted.outcome or getattr(wanted, name) is None,
            f"You can only set `{name}` with `outcome={name}`.",
            param=name,
        )
    if wanted.outcome is None:
        return None
    told = getattr(wanted, wanted.outcome)
    if told is None:
        raise missing(f"{wanted.outcome}[{AT[wanted.outcome]}]")
    at: datetime = getattr(told, AT[wanted.outcome])
    return at


def end_attempt(
    tx: Tx, record: PaymentRecord, outcome: str, at: datetime, metadata: dict[str, str]
) -> PaymentRecord:
    """Write how the latest attempt ended, on it and on its record."""
    attempt = rows.find(tx, PaymentAttemptRecord, record.latest_payment_attempt_record or "")
    require(
        not (attempt.canceled or attempt.failed or attempt.guaranteed),
        "The outcome of the latest payment attempt has already been reported.",
        code="payment_record_unexpected_state",
    )
    require(
        at >= attempt.initiated_at, "A payment attempt cannot end before it was initiated.", param=AT[outcome]
    )
    ended: dict[str, Any] = {outcome: record.requested}
    rows.update(tx, attempt, **ended, metadata=merged(attempt.metadata, metadata))
    changes: dict[str, Any] = {outcome: record.requested, "metadata": merged(record.metadata, metadata)}
    if outcome == "guaranteed":
        changes["guaranteed_at"] = at
    return rows.update(tx, record, **changes)


@PaymentRecord.action("report_refund", ReportRefund)
def report_refund(tx: Tx, record: PaymentRecord, wanted: ReportRefund) -> PaymentRecord:
    """Record that a payment was given back elsewhere, in whole or in part.

    Of a payment that pays an invoice it takes its part of the tax back, until a credit note takes it over.
    """
    left = record.guaranteed - record.refunded
    amount = wanted.amount.value if wanted.amount else left
    require(
        wanted.amount is None or wanted.amount.currency == record.currency,
        f"The payment was made in {record.currency}.",
        param="amount[currency]",
    )
    require(
        0 < amount <= left,
        f"The refund ({show(amount, record.currency)}) is more than what is left of the payment"
        f" ({show(left, record.currency)}).",
        param="amount[value]",
    )
    custom = wanted.processor_details.custom
    reference = custom.refund_reference if custom else new_id("prg_")
    if any(one["refund_group"] == reference for one in record.refunds):
        path = "processor_details[custom][refund_reference]"
        raise Refused(f"The refund {reference} was already reported.", param=path)
    at = wanted.refunded.refunded_at if wanted.refunded else wanted.initiated_at or tx.now
    made: dict[str, Any] = {
        "amount": amount,
        "at": int(at.timestamp()),
        "credited": 0,
        "refund_group": reference,
    }
    attempt = rows.find(tx, PaymentAttemptRecord, record.latest_payment_attempt_record or "")
    rows.update(tx, attempt, refunded=attempt.refunded + amount)
    if record.invoice:
        made["granted"] = record_refunds.grant(tx, record, record.invoice, reference, amount)
    return rows.update(
        tx,
        record,
        metadata=merged(record.metadata, wanted.metadata),
        refunded=record.refunded + amount,
        refunds=[*record.refunds, made],
    )
