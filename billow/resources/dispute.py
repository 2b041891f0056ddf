"""Disputes: payments that a cardholder contests at the bank, and what the merchant says to that."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import Resource
from billow.core.disputes import ORDER
from billow.resources.customer import Address

LONGEST = 20_000
"""How many characters a text of the evidence may have."""


def long_text() -> Any:
    return f.text(max=LONGEST, unset=True)


class AppealCard(Params):
    """Evidence for the appeal of a card dispute."""

    reason_for_filing: str | None = f.text(max=LONGEST, unset=True)
    supporting_files: list[str] | None = f.array(item=f.ref("file"), unset=True)


class Appeal(Params):
    """Evidence that is submitted when a dispute is appealed."""

    card: AppealCard | None = f.nested(shape=AppealCard, unset=True)


class Acknowledged(Params):
    """Whether the merchant knows the fee of countering a compliance dispute."""

    fee_acknowledged: bool | None = f.boolean()


class DisputedTransaction(Params):
    """What was bought, and by whom, for Visa's Compelling Evidence 3.0."""

    customer_account_id: str | None = f.text(unset=True)
    customer_device_fingerprint: str | None = f.text(unset=True)
    customer_device_id: str | None = f.text(unset=True)
    customer_email_address: str | None = f.text(unset=True)
    customer_purchase_ip: str | None = f.text(unset=True)
    merchandise_or_services: str | None = f.choice(SHOWN, "merchandise", "services")
    product_description: str | None = f.text(unset=True)
    shipping_address: Address | None = f.nested(shape=Address)


class PriorTransaction(Params):
    """An earlier charge of the same cardholder that was not disputed."""

    charge: str = f.text(required=True)
    customer_account_id: str | None = f.text(unset=True)
    customer_device_fingerprint: str | None = f.text(unset=True)
    customer_device_id: str | None = f.text(unset=True)
    customer_email_address: str | None = f.text(unset=True)
    customer_purchase_ip: str | None = f.text(unset=True)
    product_description: str | None = f.text(unset=True)
    shipping_address: Address | None = f.nested(shape=Address)


class CompellingEvidence(Params):
    """The disputed transaction, and two earlier ones that were not disputed."""

    disputed_transaction: DisputedTransaction | None = f.nested(shape=DisputedTransaction)
    prior_undisputed_transactions: list[Any] = f.array(item=PriorTransaction, default=[])


class EnhancedEvidence(Params):
    """Evidence for the programs of card networks."""

    mastercard_compliance: Acknowledged | None = f.nested(shape=Acknowledged)
    visa_compelling_evidence_3: CompellingEvidence | None = f.nested(shape=CompellingEvidence)
    visa_compliance: Acknowledged | None = f.nested(shape=Acknowledged)


class Evidence(Params):
    """What the merchant says: texts, and files that were uploaded before."""

    access_activity_log: str | None = long_text()
    appeal: Appeal | None = f.nested(shape=Appeal, unset=True)
    billing_address: str | None = long_text()
    cancellation_policy: str | None = f.ref("file", unset=True)
    cancellation_policy_disclosure: str | None = long_text()
    cancellation_rebuttal: str | None = long_text()
    customer_communication: str | None = f.ref("file", unset=True)
    customer_email_address: str | None = long_text()
    customer_name: str | None = long_text()
    customer_purchase_ip: str | None = long_text()
    customer_signature: str | None = f.ref("file", unset=True)
    duplicate_charge_documentation: str | None = f.ref("file", unset=True)
    duplicate_charge_explanation: str | None = long_text()
    duplicate_charge_id: str | None = long_text()
    enhanced_evidence: EnhancedEvidence | None = f.nested(shape=EnhancedEvidence, unset=True)
    product_description: str | None = long_text()
    receipt: str | None = f.ref("file", unset=True)
    refund_policy: str | None = f.ref("file", unset=True)
    refund_policy_disclosure: str | None = long_text()
    refund_refusal_explanation: str | None = long_text()
    service_date: str | None = long_text()
    service_documentation: str | None = f.ref("file", unset=True)
    shipping_address: str | None = long_text()
    shipping_carrier: str | None = long_text()
    shipping_date: str | None = long_text()
    shipping_documentation: str | None = f.ref("file", unset=True)
    shipping_tracking_number: str | None = long_text()
    uncategorized_file: str | None = f.ref("file", unset=True)
    uncategorized_text: str | None = long_text()


FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation",
    "receipt", "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip
"""The files of the evidence."""
NOTHING_SAID = {**f.blank(Evidence, {}), "enhanced_evidence": {}}
"""The evidence of a new dispute."""


def details(row: "Dispute", now: datetime, shown: dict[str, Any]) -> dict[str, Any]:
    """Return until when evidence is taken, and whether there is any."""
    said = {name: value for name, value in row.evidence.items() if name != "enhanced_evidence" and value}
    return {
        "due_by": f.seconds(row.due_by),
        "enhanced_eligibility": {},
        "has_evidence": bool(said),
        "past_due": row.due_by is not None and row.due_by <= now and row.submission_count == 0,
        "submission_count": row.submission_count,
        "submission_method": None,
    }


class Dispute(
    Resource,
    object="dispute",
    path="/v1/disputes",
    prefix="dp_",
    event="charge.dispute",
    events=("created", "updated", "closed", "funds_reinstated", "funds_withdrawn"),
):
    """A payment that the cardholder contests at the bank."""

    amount: int = f.amount(required=True)
    balance_transactions: list[str] = f.array(item=f.ref("balance_transaction"), embed=True, default=[])
    charge: str = f.ref("charge", required=True, filter=True)
    currency: str = f.currency(required=True)
    enhanced_eligibility_types: list[str] = f.absent([])
    evidence: dict[str, Any] = f.nested(default=NOTHING_SAID, refs=dict.fromkeys(FILES, "file"))
    evidence_details: dict[str, Any] = f.computed(details)
    intended_submission_method: str | None = f.absent()
    is_charge_refundable: bool = f.boolean(default=False)
    metadata: dict[str, str] = f.metadata()
    network_reason_code: str | None = f.text()
    payment_intent: str | None = f.ref("payment_intent", filter=True)
    payment_method_details: dict[str, Any] | None = f.nested()
    reason: str = f.text(required=True)
    status: str = f.choice(SHOWN, *ORDER, required=True)

    due_by: datetime | None = f.timestamp(hidden=True)
    """Until when evidence is taken."""
    gateway: str = f.text(required=True, hidden=True)
    """The name of the gateway that reported it."""
    movements: list[str] = f.array(default=[], hidden=True)
    """The gateway's references of the money that it moved, each of which is booked once."""
    reference: str = f.text(required=True, hidden=True)
    """The gateway's id of it."""
    submission_count: int = f.integer(default=0, hidden=True)
