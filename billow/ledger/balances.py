"""Calculate balances and statements of accounts, and the trial balance."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billow.core.errors import Inconsistent
from billow.ledger.chart import kind_of
from billow.store.tx import Tx

# Each transfer twice, once for each of its accounts: debits are positive, credits negative.
SIDES = (
    "(select created, debit as account, currency, amount, event, source, sequence from ledger_transfers"
    " union all"
    " select created, credit, currency, -amount, event, source, sequence from ledger_transfers) as sides"
)
UNTIL = "(%(at)s::timestamptz is null or created <= %(at)s)"


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of an account's statement. Amount and balance are positive on its normal side."""

    created: datetime
    event: str
    source: str
    currency: str
    amount: int
    balance: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One account in the trial balance. `balance` is debit less credit; all balances add up to zero."""

    account: str
    currency: str
    debit: int
    credit: int
    balance: int


def _sign(account: str) -> int:
    return 1 if kind_of(account).normal == "debit" else -1


def balance(tx: Tx, account: str, currency: str, at: datetime | None = None) -> int:
    """Return the balance of an account at an instant, positive on its normal side: a debt of 500 is 500."""
    row = tx.one(
        f"select coalesce(sum(amount), 0) as total from {SIDES}"
        f" where account = %(account)s and currency = %(currency)s and {UNTIL}",
        account=account,
        currency=currency,
        at=at,
    )
    if row is None:
        raise Inconsistent("A query of aggregates has one row.")
    return int(row["total"]) * _sign(account)


def statement(tx: Tx, account: str) -> list[Movement]:
    """List all movements of an account, oldest first, with the running balance in each currency."""
    found = tx.all(
        "select created, event, source, currency, amount * %(sign)s as amount,"
        " %(sign)s * sum(amount) over running as balance"
        f" from {SIDES} where account = %(account)s"
        " window running as (partition by currency order by created, source, event, sequence)"
        " order by created, source, event, sequence",
        account=account,
        sign=_sign(account),
    )
    return [Movement(**whole(row, "amount", "balance")) for row in found]


def trial_balance(tx: Tx, at: datetime | None = None) -> list[Trial]:
    found = tx.all(
        "select account, currency, coalesce(sum(amount) filter (where amount > 0), 0) as debit,"
        " coalesce(-sum(amount) filter (where amount < 0), 0) as credit,"
        " sum(amount) as balance"
        f" from {SIDES} where {UNTIL} group by account, currency order by currency, account",
        at=at,
    )
    return [Trial(**whole(row, "debit", "credit", "balance")) for row in found]


def whole(row: dict[str, Any], *sums: str) -> dict[str, Any]:
    """Return a row with its sums as integers: PostgreSQL adds amounts as decimals, so no sum overflows."""
    return {**row, **{name: int(row[name]) for name in sums}}
