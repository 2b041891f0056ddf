"""Grant billing credits to customers, and end grants: expired, or voided (§4.7)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.core.errors import Refused, require
from billow.flows.credits import ledger_postings
from billow.resources.credit_balance_transaction import CreditBalanceTransaction
from billow.resources.credit_grant import CreditGrant
from billow.resources.customer import Customer
from billow.resources.price import Price
from billow.store import clocks, jobs
from billow.store.jobs import job
from billow.store.tx import Tx

EXPIRES = "credit_grant.expire"
MOST_UNUSED = 100
"""How many grants with credits left one customer has (§4.7)."""


@CreditGrant.create
def create(tx: Tx, wanted: CreditGrant) -> CreditGrant:
    """Grant credits to a customer. Locks the customer. Emits the grant and its first transaction."""
    customer = rows.lock(tx, Customer, wanted.customer, param="customer")
    return grant(clocks.enter(tx, customer.test_clock), customer, wanted)


def grant(tx: Tx, customer: Customer, wanted: CreditGrant) -> CreditGrant:
    """Insert a grant of a locked customer, with its transaction, its posting and the timer of its end."""
    check_amount(wanted)
    check_scope(tx, wanted.applicability_config)
    starts = wanted.effective_at or tx.now
    check_end(tx, starts, wanted.expires_at)
    check_number(tx, customer)
    [made] = write(tx, [wanted.but(effective_at=starts, test_clock=customer.test_clock)])
    return made


def write(tx: Tx, wanted: Sequence[CreditGrant]) -> list[CreditGrant]:
    """Write grants that begin, with their transactions, their postings and the timers of their ends."""
    made = rows.insert_many(tx, [one.but(updated=tx.now, balance=one.granted) for one in wanted])
    rows.insert_many(
        tx,
        [
            CreditBalanceTransaction.of(one, "credits_granted", one.granted, one.effective_at or tx.now)
            for one in made
        ],
    )
    ledger_postings.granted(tx, made)
    jobs.put_many(tx, EXPIRES, [(one.id, one.expires_at) for one in made if one.expires_at])
    return made


def check_amount(wanted: CreditGrant) -> None:
    if not wanted.amount.get("monetary"):
        raise Refused(
            "Missing required param: amount[monetary].", param="amount[monetary]", code="parameter_missing"
        )


def check_scope(tx: Tx, applicability: dict[str, Any]) -> None:
    """Require either a type of prices, or prices, which are metered by a meter."""
    scope = applicability["scope"]
    named = scope.get("prices") or []
    where = "applicability_config[scope]"
    require(
        bool(scope.get("price_type")) != bool(named),
        "You must specify exactly one of `price_type` or `prices` in `applicability_config[scope]`.",
        param=where,
    )
    for param, price in prices_named(tx, [one["id"] for one in named], f"{where}[prices]"):
        require(
            bool((price.recurring or {}).get("meter")),
            f"The price `{price.id}` has no billing meter; credit grants pay for metered prices only.",
            param=param,
        )


def prices_named(tx: Tx, ids: Sequence[str], param: str) -> list[tuple[str, Price]]:
    """Return the prices that a scope names, each with its own param; refuse one that is not there."""
    known = rows.find_many(tx, Price, ids)
    found = []
    for number, id in enumerate(ids):
        own = f"{param}[{number}][id]"
        if id not in known:
            raise rows.no_such(tx, Price, id, param=own)
        found.append((own, known[id]))
    return found


def check_end(tx: Tx, starts: datetime, ends: datetime | None) -> None:
    require(
        ends is None or ends > max(starts, tx.now),
        "The `expires_at` of a credit grant must be in the future, and after its `effective_at`.",
        param="expires_at",
    )


def check_number(tx: Tx, customer: Customer) -> None:
    unused = tx.one(
        "select count(*) as n from credit_grants where customer = %(customer)s and balance > 0",
        customer=customer.id,
    )
    require(
        unused is not None and unused["n"] < MOST_UNUSED,
        f"A customer can have at most {MOST_UNUSED} unused credit grants.",
    )


@CreditGrant.update
def update(tx: Tx, held: CreditGrant, changes: dict[str, Any]) -> CreditGrant:
    """Update when a grant expires, or its metadata; what has ended stays ended."""
    tx = clocks.enter(tx, held.test_clock)
    if "expires_at" in changes and changes["expires_at"] != held.expires_at:
        check_open(held, tx.now, "updated")
        check_end(tx, held.effective_at or held.created, changes["expires_at"])
        set_timer(tx, held.id, changes["expires_at"])
    if all(getattr(held, name) == value for name, value in changes.items()):
        return held
    return rows.update(tx, held, **changes, updated=tx.now)


def set_timer(tx: Tx, id: str, at: datetime | None) -> None:
    if at is None:
        return jobs.cancel(tx, EXPIRES, id)
    jobs.put(tx, EXPIRES, id, at)


def check_open(held: CreditGrant, now: datetime, verb: str) -> None:
    require(held.voided_at is None, f"This credit grant was voided, so it can't be {verb}.")
    expired = held.expires_at is not None and held.expires_at <= now
    require(not expired, f"This credit grant has expired, so it can't be {verb}.")


@CreditGrant.action("expire")
def expire(tx: Tx, held: CreditGrant) -> CreditGrant:
    """Expire a grant now: what is left of it is gone."""
    tx = clocks.enter(tx, held.test_clock)
    check_open(held, tx.now, "expired")
    jobs.cancel(tx, EXPIRES, held.id)
    take_away(tx, [held], "credits_expired")
    return rows.update(tx, held, expires_at=tx.now, balance=0, updated=tx.now)


@CreditGrant.action("void")
def void(tx: Tx, held: CreditGrant) -> CreditGrant:
    """Void a grant of which nothing was ever used."""
    tx = clocks.enter(tx, held.test_clock)
    check_open(held, tx.now, "voided")
    used = tx.one(
        "select 1 from credit_balance_transactions where credit_grant = %(id)s and invoice is not null"
        " limit 1",
        id=held.id,
    )
    require(used is None, "This credit grant has been applied to an invoice, so it can't be voided.")
    require(
        held.bought_with is None,
        "This credit grant was bought, so it can't be voided; refund or credit the invoice"
        f" {held.bought_with} instead.",
    )
    jobs.cancel(tx, EXPIRES, held.id)
    take_away(tx, [held], "credits_voided")
    return rows.update(tx, held, voided_at=tx.now, balance=0, updated=tx.now)


def take_away(tx: Tx, grants: Sequence[CreditGrant], kind: str) -> None:
    """Write the transactions and postings of what grants lose when they end; the caller empties them."""
    losing = [one for one in grants if one.balance]
    made = rows.insert_many(
        tx, [CreditBalanceTransaction.of(one, kind, -one.balance, tx.now) for one in losing]
    )
    ledger_postings.ended(tx, list(zip(losing, made, strict=True)), voided=kind == "credits_voided")


@job(EXPIRES, batch=jobs.BATCH)
def expire_due(tx: Tx, refs: list[str]) -> None:
    """Expire grants whose end has come. Locks their customers."""
    due = [
        one
        for one in rows.lock_owned(tx, CreditGrant, refs)
        if one.balance and one.voided_at is None and one.expires_at and one.expires_at <= tx.now
    ]
    take_away(tx, due, "credits_expired")
    rows.update_many(tx, [(one, {"balance": 0, "updated": tx.now}) for one in due])
