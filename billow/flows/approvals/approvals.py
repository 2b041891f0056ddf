"""Ask a second person for an act with money, and do it when they agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from billow.core import approvals
from billow.core.errors import Refused, require
from billow.core.roles import having
from billow.flows.approvals import money_acts
from billow.flows.approvals.money_acts import Wanted
from billow.flows.outside import books
from billow.flows.taxes import national
from billow.store.ids import new_id
from billow.store.perform import Steps
from billow.store.tx import Tx

SELECT = (
    "select a.id, a.created, a.act, a.about, a.terms, a.amount, a.currency, a.asked_by, a.status,"
    " a.decided_at, a.problem, o.name as asked_name, d.name as decided_name"
    " from approvals a join operators o on o.id = a.asked_by left join operators d on d.id = a.decided_by"
)


RIGHT = "credits.write"
"""The right to give money back, and to agree to it."""
LIMIT = "limit"
"""The act of setting another limit."""
REOPEN = "reopen"
"""The act of opening a closed month of the books again."""
RIGHTS = {REOPEN: "periods.write"}
"""The rights of acts that are not with money given back."""


@dataclass(frozen=True, slots=True)
class Approval:
    """An act that somebody asked for, and what became of it: waiting, done, refused or withdrawn."""

    id: str
    created: datetime
    act: str
    about: str
    terms: Mapping[str, Any]
    amount: int
    currency: str
    asked_by: str
    status: str
    decided_at: datetime | None
    problem: str | None
    asked_name: str
    decided_name: str | None

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.act, self.about, self.amount, self.currency, self.terms)


def limit_of(tx: Tx) -> tuple[int | None, str]:
    """Return the amount above which a second person is asked, if any, and its currency: the account's own."""
    [(limit, currency)] = tx.tuples(
        "select approval_limit, default_currency from accounts where id = %(id)s", id=tx.account
    )
    return limit, currency


def set_limit(tx: Tx, limit: int | None) -> None:
    """Set the limit, in minor units of the account's own currency; None asks nobody."""
    require(limit is None or limit >= 0, "The limit is an amount, or nothing.")
    tx.run("update accounts set approval_limit = %(limit)s where id = %(id)s", limit=limit, id=tx.account)


def loosens(tx: Tx, limit: int | None) -> bool:
    """Tell whether another limit lets more pass than the one that is set: a higher one, or none."""
    before, _ = limit_of(tx)
    return before is not None and (limit is None or limit > before)


def somebody_else(tx: Tx, operator: str, right: str = RIGHT) -> bool:
    """Tell whether anybody but this operator could agree; a merchant of one person asks nobody."""
    return bool(
        tx.tuples(
            "select 1 from operator_roles where account = %(account)s and operator <> %(operator)s"
            " and role = any(%(roles)s)",
            account=tx.account,
            operator=operator,
            roles=having(right),
        )
    )


def ask_for_limit(tx: Tx, limit: int | None, operator: str) -> None:
    """Keep another limit until a second person agrees, as they would have to agree to what it lets pass."""
    _, home = limit_of(tx)
    terms = {"limit": "" if limit is None else str(limit)}
    ask(tx, Wanted(LIMIT, tx.account, limit or 0, home, terms), operator)


def ask_to_reopen(tx: Tx, month: str, reason: str, operator: str) -> None:
    """Keep the opening of a closed month until a second person agrees."""
    _, home = limit_of(tx)
    ask(tx, Wanted(REOPEN, month, 0, home, {"month": month, "reason": reason}), operator)


def right_to(tx: Tx, id: str) -> str:
    """Return the right that deciding something takes."""
    found = tx.tuples("select act from approvals where id = %(id)s", id=id)
    return RIGHTS.get(found[0][0], RIGHT) if found else RIGHT


def is_needed(tx: Tx, wanted: Wanted) -> bool:
    """Tell whether an act needs a second person today, with what was given back of the same object before."""
    limit, home = limit_of(tx)
    if limit is None:
        return False
    amount = wanted.amount + money_acts.given_before(tx, wanted)
    rates = national.rates_on(tx, tx.wall.date())
    return approvals.is_needed(amount, wanted.currency, limit, home, rates)


def ask(tx: Tx, wanted: Wanted, operator: str) -> str:
    """Keep an act until a second person decides; return the id. One can wait for each act on an object."""
    require(not waiting_for(tx, wanted), "This waits for a second person already.")
    id = new_id("apr_")
    tx.run(
        "insert into approvals (id, created, act, about, terms, amount, currency, asked_by)"
        " values (%(id)s, %(now)s, %(act)s, %(about)s, %(terms)s, %(amount)s, %(currency)s, %(by)s)",
        id=id,
        now=tx.wall,
        act=wanted.act,
        about=wanted.about,
        terms=Jsonb(dict(wanted.terms)),
        amount=wanted.amount,
        currency=wanted.currency,
        by=operator,
    )
    return id


def waiting_for(tx: Tx, wanted: Wanted) -> bool:
    return bool(
        tx.tuples(
            "select 1 from approvals where act = %(act)s and about = %(about)s and status = 'waiting'",
            act=wanted.act,
            about=wanted.about,
        )
    )


def agree(tx: Tx, id: str, operator: str) -> Steps:
    """Do what somebody else asked for. It is decided and begun in one transaction, so that it is done once.

    What can no longer be done is refused, and waits on: whoever asked withdraws it.
    """
    found = lock(tx, id)
    require(found.asked_by != operator, "You asked for this yourself: somebody else has to agree.")
    decide(tx, found, "done", operator)
    if found.act == LIMIT:
        set_limit(tx, int(found.terms["limit"]) if found.terms["limit"] else None)
        return None
    if found.act == REOPEN:
        books.reopen(tx, found.about)
        return None
    return (yield from money_acts.carry_out(tx, found.wanted))


def refuse(tx: Tx, id: str, operator: str, reason: str) -> Approval:
    """Refuse what somebody asked for, or withdraw what one asked for oneself."""
    found = lock(tx, id)
    decide(tx, found, "withdrawn" if found.asked_by == operator else "refused", operator, reason)
    return found


def lock(tx: Tx, id: str) -> Approval:
    """Lock an approval that waits; refused if it was decided meanwhile."""
    row = tx.one(f"{SELECT} where a.id = %(id)s for update of a", id=id)
    if row is None:
        raise Refused("There is no such request.", status=404)
    found = Approval(**row)
    require(found.status == "waiting", f"This was decided already: it is {found.status}.")
    return found


def decide(tx: Tx, found: Approval, status: str, operator: str, problem: str = "") -> None:
    tx.run(
        "update approvals set status = %(status)s, decided_by = %(by)s, decided_at = %(now)s,"
        " problem = %(problem)s where id = %(id)s",
        status=status,
        by=operator,
        now=tx.wall,
        problem=problem or None,
        id=found.id,
    )


def waiting(tx: Tx) -> list[Approval]:
    """Return what waits for a second person, the oldest first."""
    return [
        Approval(**row) for row in tx.all(f"{SELECT} where a.status = 'waiting' order by a.created, a.id")
    ]


def decided(tx: Tx, most: int) -> list[Approval]:
    """Return what was decided, the latest first."""
    found = tx.all(
        f"{SELECT} where a.status <> 'waiting' order by a.decided_at desc, a.id desc limit %(most)s",
        most=most,
    )
    return [Approval(**row) for row in found]
