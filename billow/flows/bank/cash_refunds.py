"""Return the cash of customers to their bank: money that they transferred, and that pays nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from billow.api import rows
from billow.api.params import merged
from billow.core.errors import Inconsistent, require
from billow.core.money import show
from billow.flows.bank import cash_balance, intent_refunds
from billow.flows.mails import outbox
from billow.flows.mails.outbox import Mail
from billow.flows.payments import refunds
from billow.ledger import entries, post
from billow.resources.bank_application import BankApplication
from billow.resources.bank_entry import PRETENDED, BankEntry
from billow.resources.customer import Customer
from billow.resources.refund import Refund
from billow.store import clocks, jobs
from billow.store.jobs import job
from billow.store.perform import Steps
from billow.store.tx import Tx

ANSWERED_WITHIN = timedelta(days=45)
"""How long a customer has to name an account before the money is theirs to spend again."""


@Refund.create(refunds.Create)
def create(tx: Tx, wanted: refunds.Create) -> Steps:
    """Refund a charge, or the successful charge of a payment intent: an amount, or all that is left.

    With `origin` the cash balance of a customer is returned by a bank transfer, which the seller makes: it is
    `pending` until a statement shows the transfer. Where the account is not known that the money came from,
    it is `requires_action`, and the customer is asked for one by mail. A payment intent that was paid by bank
    transfer gives the cash back to the customer's cash balance.
    """
    if wanted.origin:
        return begin(tx, wanted)
    if intent_refunds.is_of_cash(tx, wanted):
        return intent_refunds.create(tx, wanted)
    for name in ("currency", "customer"):
        require(
            getattr(wanted, name) is None,
            "Missing required param: origin.",
            param="origin",
            code="parameter_missing",
        )
    return (yield from refunds.create(tx, wanted))


@Refund.action("cancel")
def cancel(tx: Tx, refund: Refund) -> Refund:
    """Cancel a refund that requires action of its receiver. The gateway settles every other one itself."""
    require(
        refund.status == "requires_action",
        f"You cannot cancel this refund: only one in requires_action can be canceled, it is {refund.status}.",
    )
    if refund.charge is not None:
        return rows.update(tx, refund, status="canceled")
    return give_back(tx, refund, "updated", status="canceled")


def begin(tx: Tx, wanted: refunds.Create) -> Refund:
    """Write the refund of a cash balance, which holds its amount no more.

    Locks the customer and their transfers. Emits `customer_cash_balance_transaction.created`, then
    `refund.created`.
    """
    amount, currency, id = checked(wanted)
    customer = rows.lock(tx, Customer, rows.find(tx, Customer, id, param="customer").id)
    tx = clocks.enter(tx, customer.test_clock)
    held = cash_balance.available(tx, customer.id).get(currency, 0)
    require(
        amount <= held,
        f"Refund amount ({show(amount, currency)}) is greater than the customer's cash balance"
        f" ({show(held, currency)}).",
        param="amount",
        code="insufficient_funds",
    )
    parts = parts_of(cash_balance.spendable(tx, customer.id, currency), amount)
    account = account_of([entry for entry, _ in parts])
    made = rows.insert(
        tx,
        Refund(
            amount=amount,
            currency=currency,
            customer=customer.id,
            instructions_email=wanted.instructions_email,
            metadata=merged({}, wanted.metadata),
            reason=wanted.reason,
            send_to=account,
            **(asking(tx, customer, wanted.instructions_email) if account is None else {}),
        ),
        event=None,
    )
    for entry, part in parts:
        take(tx, entry, made, part)
    follow(tx, made)
    return rows.update(tx, made, event="created", emitted=True)


def checked(wanted: refunds.Create) -> tuple[int, str, str]:
    """Return amount, currency and customer of a request; refuse one that says less, or more."""
    for name in ("charge", "payment_intent"):
        require(
            getattr(wanted, name) is None,
            f"You may only specify one of these parameters: {name}, origin.",
            param=name,
        )
    for name in ("reverse_transfer", "refund_application_fee"):
        require(not getattr(wanted, name), "A cash balance was divided with nobody.", param=name)
    for name in ("amount", "currency", "customer"):
        require(
            getattr(wanted, name) is not None,
            f"Missing required param: {name}.",
            param=name,
            code="parameter_missing",
        )
    return wanted.amount or 0, wanted.currency or "", wanted.customer or ""


def parts_of(held: Sequence[BankEntry], amount: int) -> list[tuple[BankEntry, int]]:
    """Divide an amount over the transfers that it is returned of, the oldest first."""
    parts, left = [], amount
    for entry in held:
        if part := min(entry.unapplied, left):
            parts.append((entry, part))
            left -= part
    if left:
        raise Inconsistent("The transfers of a customer do not come to their cash balance.")
    return parts


def account_of(returned: Sequence[BankEntry]) -> str | None:
    """Return the one account that all of them came from; None where it is not known, or there are several."""
    found = {PRETENDED if entry.account == PRETENDED else entry.iban for entry in returned}
    return found.pop() if len(found) == 1 else None


def asking(tx: Tx, customer: Customer, email: str | None) -> dict[str, Any]:
    """Return what a refund says that waits for its customer to name an account."""
    to = email or customer.email
    require(
        to,
        "The bank account of this customer is not known, and there is no email address to ask for it. Update"
        " the customer with an email address, or provide `instructions_email`.",
        param="instructions_email",
    )
    sent = {"email_sent_at": int(tx.now.timestamp()), "email_sent_to": to}
    until = int((tx.now + ANSWERED_WITHIN).timestamp())
    details = {"email_sent": sent, "expires_at": until}
    return {
        "next_action": {"display_details": details, "type": "display_details"},
        "status": "requires_action",
    }


def expires_at(created: datetime) -> datetime:
    return created + ANSWERED_WITHIN


def follow(tx: Tx, refund: Refund) -> None:
    """Ask for the account by mail, or let the pretended bank of test mode make the transfer."""
    if refund.status == "requires_action":
        to = (refund.next_action or {})["display_details"]["email_sent"]["email_sent_to"]
        outbox.order(tx, [Mail("refund", refund.id, refund.customer, {"to": to}, explicit=True)])
        jobs.put(tx, "refund.expire", refund.id, expires_at(tx.now))
    elif refund.send_to == PRETENDED:
        jobs.put(tx, "refund.pretend", refund.id, tx.now)


def take(tx: Tx, entry: BankEntry, refund: Refund, amount: int) -> None:
    """Take a part of a transfer, which is locked, out of the cash balance: it is owed until it is sent."""
    made = rows.insert(
        tx,
        BankApplication(
            amount=amount, customer=refund.customer, entry=entry.id, kind="refund", refund=refund.id
        ),
    )
    owed = entries.cash_returned(refund.currency, amount)
    post.post(tx, [post.Posting("bank.returned", made.id, tx.now, owed, refund.customer)])
    rest = entry.unapplied - amount
    rows.update(tx, entry, event=None, state="queued" if rest else "applied", unapplied=rest)
    cash_balance.record(tx, entry, refund.customer or "", -amount, "return_initiated")


# --------------------------------------------------------------------------- what became of the transfer


def send_to(tx: Tx, id: str, account: str) -> Refund:
    """Note the account that a customer has named: the refund waits for its transfer.

    Emits `refund.updated`.
    """
    refund = waiting(tx, id, "requires_action")
    jobs.cancel(tx, "refund.expire", refund.id)
    return rows.update(tx, refund, next_action=None, send_to=account, status="pending")


def mark_sent(tx: Tx, id: str) -> Refund:
    """Book by hand that the transfer of a refund was made; its entry of a statement is then found again."""
    return send(tx, waiting(tx, id, "pending"))


def mark_failed(tx: Tx, id: str) -> Refund:
    """Book by hand that the transfer of a refund cannot be made: the cash is the customer's again."""
    return give_back(tx, waiting(tx, id, "pending"), "failed", status="failed", failure_reason="declined")


def waiting(tx: Tx, id: str, status: str) -> Refund:
    """Lock the refund of a cash balance after its customer; refuse one of another status."""
    found = rows.find(tx, Refund, id)
    rows.lock_many(tx, Customer, [found.customer or ""])
    refund = rows.lock(tx, Refund, id)
    require(refund.charge is None, f"The refund {id} is not of a cash balance: its gateway carries it out.")
    require(refund.status == status, f"The refund {id} is {refund.status.replace('_', ' ')}.")
    return refund


def unsent(tx: Tx) -> list[Refund]:
    """List the refunds of cash balances that wait for a transfer or for an account, the oldest first."""
    return rows.select(
        tx,
        Refund,
        "charge is null and status in ('pending', 'requires_action')",
        "order by created, id limit 200",
    )


def send(tx: Tx, refund: Refund, entry: BankEntry | None = None) -> Refund:
    """Post that the money of a refund, which is locked, has left the bank. Emits `refund.updated`."""
    tx = clocks.of_customer(tx, refund.customer or "")
    post_moved(tx, refund, "refund.sent", entries.refund_sent_from_bank(refund.currency, refund.amount))
    outbox.order(tx, [Mail("refund", refund.id, refund.customer, number=1)])
    return rows.update(
        tx,
        refund,
        bank_entry=entry.id if entry else None,
        failure_reason=None,
        next_action=None,
        reference=entry.bank_reference if entry else None,
        status="succeeded",
    )


def post_moved(tx: Tx, refund: Refund, event: str, moved: Sequence[entries.Transfer]) -> None:
    """Post an event of a refund that may happen again: the second time has a source of its own."""
    [(before,)] = tx.tuples(
        "select count(distinct source) from ledger_transfers where source ^@ %(id)s and event = %(event)s",
        id=refund.id,
        event=event,
    )
    source = f"{refund.id}@{before}" if before else refund.id
    post.post(tx, [post.Posting(event, source, tx.now, moved, refund.customer)])


def give_back(tx: Tx, refund: Refund, event: Any, **changes: Any) -> Refund:
    """Put the parts of a refund, which is locked and not on its way, back on the cash balance."""
    tx = clocks.of_customer(tx, refund.customer or "")
    jobs.cancel(tx, "refund.expire", refund.id)
    jobs.cancel(tx, "refund.pretend", refund.id)
    live = rows.select(
        tx, BankApplication, "refund = %(id)s and undone_at is null", "order by id", id=refund.id
    )
    held = rows.lock_many(tx, BankEntry, [one.entry for one in live])
    by_id = {entry.id: entry for entry in held}
    for one in live:
        entry = by_id[one.entry]
        kept = entries.cash_returned(refund.currency, -one.amount)
        post.post(tx, [post.Posting("bank.returned.undone", one.id, tx.now, kept, refund.customer)])
        rows.update(tx, one, event=None, undone_at=tx.now)
        rows.update(tx, entry, event=None, state="queued", unapplied=entry.unapplied + one.amount)
        cash_balance.record(tx, entry, refund.customer or "", one.amount, "return_canceled")
    return rows.update(tx, refund, event=event, next_action=None, **changes)


def undo(tx: Tx, entry: BankEntry, application: BankApplication) -> None:
    """Take a part of a refund off a transfer that the bank takes back, and the whole refund if it can be.

    What was sent already is lost: the customer has it, and the bank has taken the transfer back.
    """
    refund = rows.lock(tx, Refund, application.refund or "")
    if refund.status in ("pending", "requires_action"):
        give_back(tx, refund, "failed", status="failed", failure_reason="insufficient_funds")
        return
    lost = entries.cash_overdrawn(refund.currency, application.amount)
    post.post(tx, [post.Posting("bank.overdrawn", application.id, tx.now, lost, refund.customer)])


def was_sent(tx: Tx, entry: BankEntry) -> bool:
    """Check whether a part of an entry was returned to its customer, so that nobody can apply it again."""
    found = tx.tuples(
        "select r.id from bank_applications a join refunds r on r.id = a.refund"
        " where a.entry = %(entry)s and a.kind = 'refund' and a.undone_at is null and r.status = 'succeeded'",
        entry=entry.id,
    )
    return bool(found)


@job("refund.expire")
def expire(tx: Tx, refs: list[str]) -> None:
    """Cancel a refund whose customer has named no account in time. Emits `refund.updated`."""
    [id] = refs
    found = rows.find(tx, Refund, id)
    if found.status == "requires_action":
        give_back(tx, waiting(tx, id, "requires_action"), "updated", status="canceled")
