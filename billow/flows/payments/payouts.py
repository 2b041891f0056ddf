"""Pay out of the balance to the bank, on request; cancel and reverse such payouts, and carry them out."""

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params, merged
from billow.core import payouts
from billow.core.errors import Inconsistent, Refused, require
from billow.core.money import payout_step
from billow.flows.outside.outside import gateway
from billow.flows.payments import settle_payout, transfers
from billow.resources.bank_account import BankAccount
from billow.resources.payout import Payout
from billow.store import jobs
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.platforms import platform_of
from billow.store.tx import Tx

SIMULATED = "simulated"
"""The gateway that pays out on request; others pay out by themselves."""


class Create(Params):
    amount: int = f.amount(min=1, required=True)
    currency: str = f.currency(required=True)
    description: str | None = f.text()
    destination: str | None = f.text()
    metadata: dict[str, str] = f.metadata()
    method: str = f.choice(f.SHOWN, "instant", "standard", default="standard")
    source_type: str = f.choice(f.SHOWN, "bank_account", "card", "fpx", default="card")
    statement_descriptor: str | None = f.line(max=22)


@Payout.create(Create)
def create(tx: Tx, wanted: Create) -> Payout:
    """Pay out an amount of the available balance to the bank.

    Only the simulated gateway of test mode is asked to: other gateways pay out by themselves, and their
    payouts are recorded as they report them. It is pending for an hour, and arrives on the second day of the
    banks.
    """
    check_simulated(tx)
    check_units(wanted.amount, wanted.currency)
    transfers.lock_balance(tx)
    destination = destination_of(tx, wanted)
    check_funds(tx, wanted.amount, wanted.currency)
    return begin(
        tx,
        Payout(
            id=new_id(Payout.prefix),
            amount=wanted.amount,
            arrival_date=payouts.arrival(tx.now, wanted.method),
            currency=wanted.currency,
            description=wanted.description or None,
            destination=destination.id if destination else None,
            gateway=SIMULATED,
            metadata=merged({}, wanted.metadata),
            method=wanted.method,
            source_type=wanted.source_type,
            statement_descriptor=wanted.statement_descriptor,
        ),
    )


def begin(tx: Tx, payout: Payout) -> Payout:
    """Book a payout that a request asks for, and set its timer. Emits `payout.created`."""
    made = settle_payout.insert(tx, payout)
    at = payouts.due(made.status, tx.now, made.arrival_date)
    if at is None:
        raise Inconsistent("A payout that begins is under way.")
    jobs.put(tx, "payout.advance", made.id, at, clock="wall")
    return made


def check_simulated(tx: Tx) -> None:
    """Refuse to move money that another gateway moves by itself."""
    name = gateway(tx).name
    require(
        name == SIMULATED,
        f"The gateway {name} pays out by itself: order or change its payouts there. They are recorded here as"
        " it reports them.",
        code="testmode_charges_only",
    )


def check_units(amount: int, currency: str) -> None:
    """Refuse an amount that banks do not move: of some currencies they move whole units only."""
    step = payout_step(currency)
    require(
        amount % step == 0,
        f"Invalid amount: payouts in {currency.upper()} are in whole units, so that the amount must be a"
        f" multiple of {step}.",
        param="amount",
        code="invalid_charge_amount_no_decimal_compatible",
    )


def destination_of(tx: Tx, wanted: Create) -> BankAccount | None:
    """Return the bank account that is paid out to: a connected account's own, the default of the currency.

    An account that nobody has connected is paid out to where its gateway knows, and names no bank account.
    """
    platform = platform_of(tx)
    if platform is None:
        if wanted.destination:
            raise no_destination(wanted.destination)
        return None
    with tx.within(platform) as there:
        own = rows.select(there, BankAccount, "account = %(id)s", "order by id", id=tx.account)
    usable = [one for one in own if one.currency == wanted.currency]
    found = [
        one for one in usable if one.id == wanted.destination or (not wanted.destination and is_default(one))
    ]
    if wanted.destination and not found:
        raise no_destination(wanted.destination)
    require(found, f"Sorry, you don't have any external accounts in that currency ({wanted.currency}).")
    return found[0]


def is_default(account: BankAccount) -> bool:
    return bool(account.default_for_currency)


def no_destination(id: str) -> Refused:
    return Refused(f"No such external account: '{id}'", param="destination", code="resource_missing")


def check_funds(tx: Tx, amount: int, currency: str) -> None:
    """Refuse to pay out more than is available."""
    if transfers.available(tx, currency) < amount:
        raise Refused(
            "You have insufficient funds in your Stripe account for this transfer. Your card balance is too"
            " low. You can use the the /v1/balance endpoint to view your Stripe balance (for more details,"
            " see stripe.com/docs/api#balance).",
            code="balance_insufficient",
        )


@Payout.action("cancel")
def cancel(tx: Tx, payout: Payout) -> Payout:
    """Cancel a payout that is pending; its amount is available again. Emits `payout.canceled`."""
    check_own(payout)
    require(
        payout.status == "pending",
        f"Payouts can only be canceled while they are pending. Payout {payout.id} has a status of"
        f" `{payout.status}`.",
    )
    jobs.cancel(tx, "payout.advance", payout.id)
    return settle_payout.move_on(tx, payout, "canceled")


class Reverse(Params):
    metadata: dict[str, str] = f.metadata()


@Payout.action("reverse", Reverse)
def reverse(tx: Tx, payout: Payout, wanted: Reverse) -> Payout:
    """Bring a payout that has arrived back from the bank, by a payout of the negative amount.

    Emits `payout.created` of that one, and `payout.updated` of the payout that it reverses.
    """
    check_own(payout)
    require(
        payout.status == "paid" and payout.amount > 0 and payout.reversed_by is None,
        "You can only reverse a payout that is paid, once, and that reverses no other.",
    )
    made = begin(
        tx,
        Payout(
            id=new_id(Payout.prefix),
            amount=-payout.amount,
            arrival_date=payouts.arrival(tx.now),
            currency=payout.currency,
            destination=payout.destination,
            gateway=payout.gateway,
            metadata=merged({}, wanted.metadata),
            original_payout=payout.id,
            source_type=payout.source_type,
        ),
    )
    rows.update(tx, payout, reversed_by=made.id)
    return made


def check_own(payout: Payout) -> None:
    require(
        payout.reference is None,
        f"Payout {payout.id} was made by the gateway {payout.gateway}: cancel or reverse it there.",
    )


@job("payout.advance")
def advance(tx: Tx, refs: list[str]) -> None:
    """Send a payout of the simulated gateway to the bank, or let it arrive; some test accounts refuse it."""
    [id] = refs
    payout = rows.lock(tx, Payout, id)
    if payout.status == "pending":
        moved = settle_payout.move_on(tx, payout, "in_transit")
        jobs.put(tx, "payout.advance", id, moved.arrival_date, clock="wall")
    elif payout.status == "in_transit" and not payout.sent_back:
        failure = payouts.FAILURES.get(last_digits(tx, payout))
        settle_payout.move_on(tx, payout, "failed" if failure else "paid", *(failure or ()))


def last_digits(tx: Tx, payout: Payout) -> str:
    """Return the last digits of the bank account that is paid out to, as far as it is known."""
    platform = platform_of(tx)
    if platform is None or payout.destination is None:
        return ""
    with tx.within(platform) as there:
        found = rows.find_many(there, BankAccount, [payout.destination])
    return found[payout.destination].last4 if found else ""
