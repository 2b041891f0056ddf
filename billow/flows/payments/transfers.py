"""Transfer shares of a platform's money to connected accounts, in the books of both at once."""

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.params import Params, merged
from billow.api.resource import Where
from billow.core.errors import Inconsistent, Refused, require
from billow.core.money import proportional, show
from billow.flows.outside.outside import gateway
from billow.flows.payments import able_accounts, application_fees, postings
from billow.ledger import entries, post
from billow.resources.application_fee import ApplicationFee, find_of
from billow.resources.charge import Charge
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
    account = able_accounts.find_destination(tx, wanted.destination, "destination")
    charge = (
        rows.lock(tx, Charge, wanted.source_transaction, param="source_transaction")
        if wanted.source_transaction
        else None
    )
    amount = wanted.amount if wanted.amount is not None else left_of(tx, charge)
    check_funds(tx, charge, amount, wanted.currency)
    return move(
        tx,
        Transfer(
            id=new_id(Transfer.prefix),
            amount=amount,
            currency=wanted.currency,
            description=wanted.description or None,
            destination=account.id,
            destination_payment=new_id(PAYMENT),
            metadata=merged({}, wanted.metadata),
            source_transaction=charge.id if charge else None,
            source_type=wanted.source_type,
            transfer_group=wanted.transfer_group or group_of(charge),
        ),
    )


def move(tx: Tx, transfer: Transfer, fee: int = 0) -> Transfer:
    """Write a transfer into the books of both accounts; the destination pays the platform's fee out of it.

    Emits `transfer.created`.
    """
    moved = postings.transaction(
        tx, transfer.id, -transfer.amount, transfer.currency, "transfer", description=transfer.description
    )
    movement = rows.insert(tx, moved)
    account, name = transfer.destination or "", gateway(tx).name
    sent = entries.share_transferred(name, account, transfer.currency, transfer.amount)
    post.post(tx, [post.Posting("transfer.created", transfer.id, tx.now, sent)])
    with tx.within(f"{account}/{tx.tenant.split('/')[1]}") as there:
        receive(there, transfer, fee)
    return rows.insert(tx, transfer.but(balance_transaction=movement.id))


def lock_balance(tx: Tx) -> None:
    """Let transfers of an account wait for each other: what one takes, the next one has not."""
    tx.one("select id from accounts where id = %(id)s for update", id=tx.account)


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
    if available(tx, currency) < amount:
        raise Refused(
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your"
            " available balance by creating Charges using the 4000000000000077 test card.",
            code="balance_insufficient",
        )


def available(tx: Tx, currency: str) -> int:
    """Return what can be taken out of the balance: what is available, less all that leaves it later."""
    found = tx.one(
        "select coalesce(sum(net), 0) as n from balance_transactions"
        " where currency = %(currency)s and (available_on <= %(now)s"
        " or net < 0 and reporting_category <> 'conversion')",
        currency=currency,
        now=tx.now,
    )
    if found is None:
        raise Inconsistent("A query of aggregates has one row.")
    return int(found["n"])


def group_of(charge: Charge | None) -> str | None:
    return (charge.transfer_group or f"group_{charge.payment_intent or charge.id}") if charge else None


def receive(tx: Tx, transfer: Transfer, fee: int) -> None:
    """Record a transfer in the books of the account that gets it. Emits `charge.succeeded`."""
    payment, amount, currency = transfer.destination_payment or "", transfer.amount, transfer.currency
    description = transfer.description
    details = [postings.platform_fee(fee, currency, tx.account)] if fee else []
    moved = postings.transaction(
        tx, payment, amount, currency, "payment", description=description, fee=fee, fee_details=details
    )
    movement = rows.insert(tx, moved)
    charge = rows.insert(
        tx,
        Charge(
            id=payment,
            amount=amount,
            amount_captured=amount,
            application_fee_amount=fee or None,
            balance_transaction=movement.id,
            captured=True,
            currency=currency,
            description=description,
            paid=True,
            source_transfer=transfer.id,
            payment_method_details={"stripe_account": {}, "type": "stripe_account"},
            status="succeeded",
        ),
        event="succeeded",
    )
    name = gateway(tx).name
    sold, kept = entries.sold(name, currency, amount), entries.fee_charged(name, currency, fee)
    postings_ = [post.Posting("payment.succeeded", charge.id, tx.now, sold)]
    post.post(tx, [*postings_, *([post.Posting("gateway.fee", charge.id, tx.now, kept)] if fee else [])])


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
    made = take_back(tx, transfer, amount, merged({}, wanted.metadata))
    if wanted.refund_application_fee:
        refund_fee(tx, transfer, amount)
    return made


def refund_fee(tx: Tx, transfer: Transfer, part: int) -> None:
    """Refund the platform's fee in proportion to what is reversed of the transfer."""
    found = find_of(tx, transfer.source_transaction or "")
    if found:
        fee = rows.lock(tx, ApplicationFee, found.id)
        share = proportional(fee.amount, part, transfer.amount)
        amount = min(share, fee.amount - fee.amount_refunded)
        if amount:
            application_fees.give_back(tx, fee, amount, {})


def take_back(
    tx: Tx, transfer: Transfer, amount: int, metadata: dict[str, str], refund: str | None = None
) -> TransferReversal:
    """Write a reversal into the books of both accounts. The caller has locked the transfer."""
    id, name = new_id(TransferReversal.prefix), gateway(tx).name
    movement = rows.insert(tx, postings.transaction(tx, id, amount, transfer.currency, "transfer_refund"))
    back = entries.share_transferred(name, transfer.destination or "", transfer.currency, -amount)
    post.post(tx, [post.Posting("transfer.reversed", id, tx.now, back)])
    with tx.within(f"{transfer.destination}/{tx.tenant.split('/')[1]}") as there:
        given = give_back(there, transfer.destination_payment or "", amount)
    total = transfer.amount_reversed + amount
    rows.update(tx, transfer, event="reversed", amount_reversed=total, reversed=total == transfer.amount)
    return rows.insert(
        tx,
        TransferReversal(
            id=id,
            amount=amount,
            balance_transaction=movement.id,
            currency=transfer.currency,
            destination_payment_refund=given,
            metadata=metadata,
            source_refund=refund,
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
