"""Transfer shares of a platform's money to connected accounts, in the books of both at once."""

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.params import Params, merged
from billow.api.resource import Where
from billow.core.errors import Inconsistent, Refused, require
from billow.core.money import show
from billow.flows.outside.outside import gateway
from billow.flows.payments import postings
from billow.ledger import entries, post
from billow.resources.charge import Charge
from billow.resources.connected_account import ConnectedAccount
from billow.resources.refund import Refund
from billow.resources.transfer import Transfer, TransferReversal
from billow.store.ids import new_id
from billow.store.tx import Tx

PAYMENT, PAYMENT_REFUND = "py_", "pyr_"
"""The prefixes of the charges that connected accounts get by transfers, and of their refunds."""


class Create(Params):
    amount: int | None = f.amount(min=1)
    currency: str = f.currency(required=True)
    description: str | None = f.text()
    destination: str = f.ref("account", required=True)
    metadata: dict[str, str] = f.metadata()
    source_transaction: str | None = f.ref("charge")
    source_type: str = f.choice(f.SHOWN, "bank_account", "card", "fpx", default="card")
    transfer_group: str | None = f.text()


@Transfer.create(Create)
def create(tx: Tx, wanted: Create) -> Transfer:
    """Transfer an amount to a connected account: from the available balance, or of one charge.

    Locks the account of the platform, and the charge. Emits `transfer.created`.
    """
    lock_balance(tx)
    account = destination_of(tx, wanted.destination)
    charge = (
        rows.lock(tx, Charge, wanted.source_transaction, param="source_transaction")
        if wanted.source_transaction
        else None
    )
    amount = wanted.amount if wanted.amount is not None else left_of(tx, charge)
    check_funds(tx, charge, amount, wanted.currency)
    id, payment = new_id(Transfer.prefix), new_id(PAYMENT)
    description = wanted.description or None
    movement = rows.insert(
        tx, postings.transaction(tx, id, -amount, wanted.currency, "transfer", description=description)
    )
    post.post(
        tx,
        [
            post.Posting(
                "transfer.created",
                id,
                tx.now,
                entries.share_transferred(gateway(tx).name, account.id, wanted.currency, amount),
            )
        ],
    )
    with tx.within(f"{account.id}/{tx.tenant.split('/')[1]}") as there:
        receive(there, payment, amount, wanted.currency, description)
    return rows.insert(
        tx,
        Transfer(
            id=id,
            amount=amount,
            balance_transaction=movement.id,
            currency=wanted.currency,
            description=description,
            destination=account.id,
            destination_payment=payment,
            metadata=merged({}, wanted.metadata),
            source_transaction=charge.id if charge else None,
            source_type=wanted.source_type,
            transfer_group=wanted.transfer_group or group_of(charge),
        ),
    )


def lock_balance(tx: Tx) -> None:
    """Let transfers of an account wait for each other: what one takes, the next one has not."""
    tx.one("select id from accounts where id = %(id)s for update", id=tx.account)


def destination_of(tx: Tx, id: str) -> ConnectedAccount:
    found = rows.find_many(tx, ConnectedAccount, [id]).get(id)
    if found is None:
        raise Refused(f"No such destination: '{id}'", param="destination", code="resource_missing")
    require(
        not found.rejected,
        f"The account {id} was rejected, so nothing can be transferred to it.",
        param="destination",
    )
    return found


def left_of(tx: Tx, charge: Charge | None) -> int:
    """Return how much of a charge was not transferred yet."""
    if charge is None:
        raise Refused("Missing required param: amount.", param="amount", code="parameter_missing")
    found = tx.one(
        "select coalesce(sum(amount - amount_reversed), 0) as n from transfers"
        " where source_transaction = %(id)s",
        id=charge.id,
    )
    if found is None:
        raise Inconsistent("A query of aggregates has one row.")
    return int(charge.amount_captured - charge.amount_refunded - found["n"])


def check_funds(tx: Tx, charge: Charge | None, amount: int, currency: str) -> None:
    """Refuse more than there is: of a charge also what is not available yet."""
    if charge:
        require(
            charge.currency == currency,
            f"The currency of source_transaction's balance transaction ({charge.currency}) must be the same"
            f" as the transfer currency ({currency})",
            param="currency",
        )
        left = left_of(tx, charge)
        require(
            charge.captured and 0 < amount <= left,
            f"Transfers using this transaction as a source must not exceed the source amount of"
            f" {show(charge.amount_captured, currency)}. (There is {show(max(left, 0), currency)} left.)",
            param="amount",
        )
        return
    found = tx.one(
        "select coalesce(sum(net), 0) as n from balance_transactions"
        " where currency = %(currency)s and (available_on <= %(now)s or net < 0)",
        currency=currency,
        now=tx.now,
    )
    if found is None or found["n"] < amount:
        raise Refused(
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your"
            " available balance by creating Charges using the 4000000000000077 test card.",
            code="balance_insufficient",
        )


def group_of(charge: Charge | None) -> str | None:
    return (charge.transfer_group or f"group_{charge.payment_intent or charge.id}") if charge else None


def receive(tx: Tx, payment: str, amount: int, currency: str, description: str | None) -> None:
    """Record a transfer in the books of the account that gets it. Emits `charge.succeeded`."""
    movement = rows.insert(
        tx, postings.transaction(tx, payment, amount, currency, "payment", description=description)
    )
    charge = rows.insert(
        tx,
        Charge(
            id=payment,
            amount=amount,
            amount_captured=amount,
            balance_transaction=movement.id,
            captured=True,
            currency=currency,
            description=description,
            paid=True,
            payment_method_details={"stripe_account": {}, "type": "stripe_account"},
            status="succeeded",
        ),
        event="succeeded",
    )
    sold = entries.sold(gateway(tx).name, currency, amount)
    post.post(tx, [post.Posting("payment.succeeded", charge.id, tx.now, sold)])


class Reverse(Params):
    amount: int | None = f.amount(min=1)
    description: str | None = f.text(unset=True)
    metadata: dict[str, str] = f.metadata()
    refund_application_fee: bool | None = f.boolean()


@Transfer.action("reversals", Reverse)
def reverse(tx: Tx, transfer: Transfer, wanted: Reverse) -> TransferReversal:
    """Take back a transfer, in full or in part. Emits `transfer.reversed`, as Stripe does for a part too."""
    left = transfer.amount - transfer.amount_reversed
    amount = wanted.amount if wanted.amount is not None else left
    require(left > 0, f"Transfer {transfer.id} is already reversed.", param="id")
    require(
        amount <= left,
        f"Reversal amount ({show(amount, transfer.currency)}) is greater than unreversed amount on transfer"
        f" ({show(left, transfer.currency)})",
        param="amount",
    )
    id, name = new_id(TransferReversal.prefix), gateway(tx).name
    movement = rows.insert(tx, postings.transaction(tx, id, amount, transfer.currency, "transfer_refund"))
    back = entries.share_transferred(name, transfer.destination or "", transfer.currency, -amount)
    post.post(tx, [post.Posting("transfer.reversed", id, tx.now, back)])
    with tx.within(f"{transfer.destination}/{tx.tenant.split('/')[1]}") as there:
        refund = give_back(there, transfer.destination_payment or "", amount)
    total = transfer.amount_reversed + amount
    rows.update(tx, transfer, event="reversed", amount_reversed=total, reversed=total == transfer.amount)
    return rows.insert(
        tx,
        TransferReversal(
            id=id,
            amount=amount,
            balance_transaction=movement.id,
            currency=transfer.currency,
            destination_payment_refund=refund,
            metadata=merged({}, wanted.metadata),
            transfer=transfer.id,
        ),
        event=None,
    )


def give_back(tx: Tx, payment: str, amount: int) -> str:
    """Record a reversal in the books of the account that gives the money back, as a refund; return its id.

    Emits `refund.created` and `charge.refunded`.
    """
    charge = rows.lock(tx, Charge, payment)
    refund = Refund(
        id=new_id(PAYMENT_REFUND),
        amount=amount,
        charge=charge.id,
        currency=charge.currency,
        emitted=True,
        status="succeeded",
    )
    moved = postings.transaction(tx, refund.id, -amount, charge.currency, "payment_refund")
    made = rows.insert(tx, refund.but(balance_transaction=rows.insert(tx, moved).id), event="created")
    postings.post_refund(tx, made, charge)
    total = charge.amount_refunded + amount
    rows.update(tx, charge, event="charge.refunded", amount_refunded=total, refunded=total == charge.amount)
    return made.id


@Transfer.below("GET", "reversals", listing.Paging, of=TransferReversal)
def of_transfer(tx: Tx, transfer: Transfer, wanted: listing.Paging) -> listing.Page:
    """List the reversals of a transfer."""
    where = Where("transfer = %(transfer)s", transfer=transfer.id)
    return listing.below(tx, TransferReversal, where, wanted, f"/v1/transfers/{transfer.id}/reversals")


@Transfer.below("GET", "reversals/{transfer_reversal}", of=TransferReversal)
def one_of_transfer(tx: Tx, transfer: Transfer, id: str) -> TransferReversal:
    """Retrieve a reversal of a transfer."""
    found = rows.find(tx, TransferReversal, id)
    if found.transfer != transfer.id:
        raise rows.no_such(tx, TransferReversal, id)
    return found
