"""Keep application fees of the payments of connected accounts, and give them back."""

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.params import Params, merged
from billow.api.resource import Where
from billow.core.errors import require
from billow.core.money import show
from billow.flows.outside.outside import gateway
from billow.flows.payments import postings
from billow.ledger import entries, post
from billow.resources.application_fee import ApplicationFee, FeeRefund
from billow.store.ids import new_id
from billow.store.tx import Tx


def keep(tx: Tx, fee: ApplicationFee) -> ApplicationFee:
    """Record a fee in the books of the platform: it lessens what the account's share costs.

    Emits `application_fee.created`.
    """
    moved = postings.transaction(
        tx, fee.id, fee.amount, fee.currency, "application_fee", description="Application fee"
    )
    movement = rows.insert(tx, moved.but(reporting_category="platform_earning"))
    back = entries.share_transferred(gateway(tx).name, fee.account, fee.currency, -fee.amount)
    post.post(tx, [post.Posting("application_fee.kept", fee.id, tx.now, back)])
    return rows.insert(tx, fee.but(balance_transaction=movement.id))


class Create(Params):
    amount: int | None = f.amount(min=1)
    metadata: dict[str, str] = f.metadata()


@ApplicationFee.action("refunds", Create)
def refund(tx: Tx, fee: ApplicationFee, wanted: Create) -> FeeRefund:
    """Refund an application fee to its account, in full or in part. Emits `application_fee.refunded`."""
    left = fee.amount - fee.amount_refunded
    require(left > 0, f"Application fee {fee.id} has already been refunded.", code="charge_already_refunded")
    amount = wanted.amount if wanted.amount is not None else left
    require(
        amount <= left,
        f"Refund amount ({show(amount, fee.currency)}) is greater than unrefunded amount on fee"
        f" ({show(left, fee.currency)})",
        param="amount",
    )
    return give_back(tx, fee, amount, merged({}, wanted.metadata))


def give_back(tx: Tx, fee: ApplicationFee, amount: int, metadata: dict[str, str]) -> FeeRefund:
    """Record a refund of a fee in the books of both accounts. The caller has locked the fee."""
    id, name = new_id(FeeRefund.prefix), gateway(tx).name
    moved = postings.transaction(tx, id, -amount, fee.currency, "application_fee_refund")
    movement = rows.insert(tx, moved.but(reporting_category="platform_earning_refund"))
    share = entries.share_transferred(name, fee.account, fee.currency, amount)
    post.post(tx, [post.Posting("application_fee.refunded", id, tx.now, share)])
    with tx.within(f"{fee.account}/{tx.tenant.split('/')[1]}") as there:
        back = postings.transaction(
            there, fee.charge, amount, fee.currency, "adjustment", description="Refund of an application fee"
        )
        rows.insert(there, back.but(reporting_category="fee"))
        returned = entries.fee_charged(gateway(there).name, fee.currency, -amount)
        post.post(there, [post.Posting("application_fee.refunded", id, there.now, returned)])
    total = fee.amount_refunded + amount
    rows.update(tx, fee, event="refunded", amount_refunded=total, refunded=total == fee.amount)
    return rows.insert(
        tx,
        FeeRefund(
            id=id,
            amount=amount,
            balance_transaction=movement.id,
            currency=fee.currency,
            fee=fee.id,
            metadata=metadata,
        ),
        event=None,
    )


@ApplicationFee.below("GET", "refunds", listing.Paging, of=FeeRefund)
def of_fee(tx: Tx, fee: ApplicationFee, wanted: listing.Paging) -> listing.Page:
    """List the refunds of an application fee."""
    where = Where("fee = %(fee)s", fee=fee.id)
    return listing.below(tx, FeeRefund, where, wanted, f"/v1/application_fees/{fee.id}/refunds")


@ApplicationFee.below("GET", "refunds/{fee_refund}", of=FeeRefund)
def one_of_fee(tx: Tx, fee: ApplicationFee, id: str) -> FeeRefund:
    """Retrieve a refund of an application fee."""
    found = rows.find(tx, FeeRefund, id)
    if found.fee != fee.id:
        raise rows.no_such(tx, FeeRefund, id)
    return found
