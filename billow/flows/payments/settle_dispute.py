"""Record what a gateway says about a dispute: the dispute, its money, its charge, the ledger."""

import logging
from datetime import datetime, timedelta
from typing import Any

from billow.api import rows
from billow.core import disputes
from billow.flows.credits import purchases
from billow.flows.papers import receipt
from billow.flows.payments import payment_mails, postings
from billow.ledger import entries, post
from billow.resources.balance_transaction import BalanceTransaction
from billow.resources.charge import Charge
from billow.resources.customer import Customer
from billow.resources.dispute import Dispute
from billow.resources.early_fraud_warning import EarlyFraudWarning
from billow.store import clocks
from billow.store.tx import Tx

log = logging.getLogger("billow.disputes")
TO_ANSWER = timedelta(days=7)
"""How long a dispute can be answered where the gateway names no date."""


def charge_of_reference(tx: Tx, gateway: str, reference: str) -> Charge | None:
    """Find the charge that a gateway names by its own reference."""
    found = rows.select(tx, Charge, "reference = %(reference)s", reference=reference)
    return next((one for one in found if one.gateway in (None, gateway)), None)


def record(tx: Tx, charge: Charge, said: disputes.Dispute) -> Dispute:
    """Record a dispute as the gateway says that it is now; what is recorded already changes nothing.

    Its status only goes forward. Money is booked once for each movement. Locks the customer, the charge and
    the dispute. Emits `charge.dispute.created`, `.funds_withdrawn`, `.updated`, `.funds_reinstated` and
    `.closed`.
    """
    tx, charge = lock_charge(tx, charge)
    name = postings.name_of(tx, charge)
    found = rows.select(
        tx,
        Dispute,
        "gateway = %(gateway)s and reference = %(reference)s",
        "order by id for update",
        gateway=name,
        reference=said.reference,
    )
    dispute = found[0] if found else open_dispute(tx, charge, name, said)
    dispute = book(tx, charge, dispute, [one for one in said.movements if one.amount < 0])
    before = dispute.status
    dispute = advance(tx, charge, dispute, said.status)
    dispute = book(tx, charge, dispute, [one for one in said.movements if one.amount > 0])
    if dispute.status in disputes.CLOSED and before != dispute.status:
        close(tx, charge, dispute)
    return dispute


def advance(tx: Tx, charge: Charge, dispute: Dispute, status: str) -> Dispute:
    """Bring a dispute to a later status; an earlier one is logged. Emits `charge.dispute.updated`.

    An inquiry that becomes a dispute makes its charge disputed. A closed one has an event of its own.
    """
    if not disputes.is_later(status, dispute.status):
        if status != dispute.status:
            log.warning("dispute %s is %s, and the gateway now says %s", dispute.id, dispute.status, status)
        return dispute
    inquiry = disputes.is_inquiry(status)
    if disputes.is_inquiry(dispute.status) and not inquiry:
        rows.update(tx, rows.find(tx, Charge, charge.id), event="updated", disputed=True)
    event = None if status in disputes.CLOSED else "updated"
    refundable = inquiry and status not in disputes.CLOSED
    return rows.update(tx, dispute, event=event, status=status, is_charge_refundable=refundable)


def lock_charge(tx: Tx, charge: Charge) -> tuple[Tx, Charge]:
    """Lock a charge after its customer, who may be deleted by now, and enter the customer's time."""
    for customer in rows.lock_many(tx, Customer, [charge.customer] if charge.customer else []):
        tx = clocks.enter(tx, customer.test_clock)
    return tx, rows.lock(tx, Charge, charge.id)


def open_dispute(tx: Tx, charge: Charge, gateway: str, said: disputes.Dispute) -> Dispute:
    """Write a new dispute, in the state in which it began; the charge is disputed unless it is an inquiry."""
    inquiry = disputes.is_inquiry(said.status) or not said.movements
    first = "warning_needs_response" if inquiry else "needs_response"
    made = rows.insert(
        tx,
        Dispute(
            amount=said.amount,
            charge=charge.id,
            currency=said.currency,
            is_charge_refundable=inquiry,
            network_reason_code=said.network_reason_code,
            payment_intent=charge.payment_intent,
            payment_method_details=method_details(charge, said, inquiry),
            reason=said.reason,
            status=first,
            due_by=said.due_by or end_of_day(tx.now + TO_ANSWER),
            gateway=gateway,
            reference=said.reference,
        ),
        event="created",
    )
    rows.update(tx, charge, event="updated", disputed=not inquiry, dispute=made.id)
    payment_mails.order_dispute(tx, made)
    return made


def end_of_day(at: datetime) -> datetime:
    return at.replace(hour=23, minute=59, second=59, microsecond=0)


def method_details(charge: Charge, said: disputes.Dispute, inquiry: bool) -> dict[str, Any] | None:
    card = (charge.payment_method_details or {}).get("card")
    if card is None:
        return None
    kind = "inquiry" if inquiry else "chargeback"
    shown = {"brand": card["brand"], "case_type": kind, "network_reason_code": said.network_reason_code}
    return {"card": shown, "type": "card"}


def book(tx: Tx, charge: Charge, dispute: Dispute, moved: list[disputes.Movement]) -> Dispute:
    """Book the movements of money that are new: on the balance, in the ledger, and on the dispute.

    Emits `charge.dispute.funds_withdrawn` or `.funds_reinstated` for each.
    """
    for one in moved:
        if one.reference in dispute.movements:
            continue
        made = rows.insert(tx, movement_of(tx, charge, dispute, one))
        post_movement(tx, charge, dispute, one)
        dispute = rows.update(
            tx,
            dispute,
            event="funds_withdrawn" if one.amount < 0 else "funds_reinstated",
            movements=[*dispute.movements, one.reference],
            balance_transactions=[*dispute.balance_transactions, made.id],
        )
    return dispute


def movement_of(tx: Tx, charge: Charge, dispute: Dispute, one: disputes.Movement) -> BalanceTransaction:
    """Return the balance transaction of a movement, which is not written yet."""
    taken, currency = one.amount < 0, one.currency or dispute.currency
    fee = {"amount": one.fee, "application": None, "currency": currency}
    made = postings.transaction(
        tx,
        dispute.id,
        one.amount,
        currency,
        "adjustment",
        description=f"Chargeback {'withdrawal' if taken else 'reversal'} for {charge.id}",
        fee=one.fee,
        fee_details=[{**fee, "description": "Dispute fee", "type": "stripe_fee"}] if one.fee else [],
    )
    category = "dispute" if taken else "dispute_reversal"
    return made.but(exchange_rate=one.rate, reporting_category=category)


def post_movement(tx: Tx, charge: Charge, dispute: Dispute, one: disputes.Movement) -> None:
    """Post a movement and its fee to the ledger; each movement is a source of its own.

    Money that the gateway moves in another currency is turned into that of the dispute.
    """
    name, currency = postings.name_of(tx, charge), one.currency or dispute.currency
    source = f"{dispute.id}@{len(dispute.movements)}"
    part = part_of(dispute, one.amount, currency)
    turned = entries.exchanged(name, dispute.currency, part, currency, one.amount)
    posted = {
        "dispute.moved": entries.dispute_moved(name, dispute.currency, -part),
        "gateway.exchanged": turned if currency != dispute.currency else [],
        "gateway.fee": entries.fee_charged(name, currency, one.fee),
    }
    post.post(
        tx, [post.Posting(event, source, tx.now, moved, charge.customer) for event, moved in posted.items()]
    )


def part_of(dispute: Dispute, amount: int, currency: str) -> int:
    return disputes.disputed_part(amount, currency, (dispute.amount, dispute.currency))


def close(tx: Tx, charge: Charge, dispute: Dispute) -> None:
    """Close a dispute: lost funds are written off; an inquiry or a dispute that is won costs nothing more.

    What is left of the credits that were bought with lost funds is taken back, and lowers the loss.

    Emits `charge.dispute.closed`.
    """
    if dispute.status == "lost":
        lost = entries.dispute_lost(dispute.currency, outstanding(tx, dispute))
        post.post(tx, [post.Posting("dispute.lost", dispute.id, tx.now, lost, charge.customer)])
        if invoice := receipt.invoice_of(tx, charge):
            purchases.lose(tx, invoice, outstanding(tx, dispute))
    rows.emit(tx, [(dispute, None)], "closed")


def outstanding(tx: Tx, dispute: Dispute) -> int:
    """Return how much of the disputed funds the gateway has taken and not returned."""
    found = rows.find_many(tx, BalanceTransaction, dispute.balance_transactions)
    return -sum(part_of(dispute, one.amount, one.currency) for one in found.values())


def record_warning(tx: Tx, charge: Charge, reference: str, fraud_type: str) -> None:
    """Record that the issuer suspects fraud, once. Emits `radar.early_fraud_warning.created`."""
    tx, charge = lock_charge(tx, charge)
    name = postings.name_of(tx, charge)
    known = rows.select(
        tx,
        EarlyFraudWarning,
        "gateway = %(gateway)s and reference = %(reference)s",
        gateway=name,
        reference=reference,
    )
    if not known:
        made = EarlyFraudWarning(
            actionable=not (charge.refunded or charge.disputed),
            charge=charge.id,
            fraud_type=fraud_type,
            payment_intent=charge.payment_intent,
            gateway=name,
            reference=reference,
        )
        rows.insert(tx, made)
