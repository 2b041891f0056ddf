"""Compare what is recorded of payments, refunds and disputes with what their gateways say, to the cent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billow.core import disputes
from billow.core.errors import Unavailable
from billow.core.findings import Finding
from billow.core.payments import Declined, Outcome, Succeeded
from billow.flows.outside.outside import gateway_named
from billow.providers.gateways import Gateway
from billow.providers.gateways.by_hand import ByHand
from billow.store.tx import Database, Tx

PIECE = 100
"""How many attempts are read in one transaction, after which their gateways are asked."""
STATES = {Succeeded: "succeeded", Declined: "failed"}
PAYMENTS = "payments_are_as_the_gateway_says"
FEE = (
    "b.fee - coalesce((select sum((d ->> 'amount')::bigint) from jsonb_array_elements(b.fee_details) d"
    " where d ->> 'type' = 'application_fee'), 0)::bigint as fee"
)
"""The fee of a balance transaction without that of the platform, of which the gateway knows nothing."""
ATTEMPTS = (
    "select a.id, a.kind, a.state, a.amount, a.gateway, a.charge, r.status as refund, a.movement,"
    f" b.amount as moved, {FEE} from attempts a left join refunds r on r.id = a.refund"
    " left join balance_transactions b on b.id = a.movement"
    " where a.id > %(after)s and a.kind <> 'setup' and a.state in ('succeeded', 'failed')"
    " order by a.id limit %(piece)s"
)
TAKEN = (
    f"select c.id, c.reference, c.amount, c.captured, c.amount_captured, {FEE}, (select max(i.amount)"
    " from attempts i where i.charge = c.id and i.kind = 'increment' and i.state = 'succeeded') as raised"
    " from charges c"
    " left join balance_transactions b on b.id = c.balance_transaction"
    " where c.reference = any(%(references)s) or c.id = any(%(ids)s)"
)
DISPUTES = (
    "select d.id, d.gateway, d.reference, d.currency, (select coalesce(jsonb_object_agg(m.currency, m.net),"
    " '{}') from (select b.currency, sum(b.net)::bigint as net from balance_transactions b"
    " where b.source = d.id group by b.currency) m where m.net <> 0) as net"
    " from disputes d where d.id > %(after)s order by d.id limit %(piece)s"
)
Row = dict[str, Any]


@dataclass(slots=True)
class Compared:
    """How many attempts and disputes were compared, and of how many nobody could be asked."""

    told: int = 0
    untold: int = 0


def compare(db: Database, tenant: str, counted: Compared) -> Iterator[Finding]:
    """Ask the gateways about all that is settled, and yield what differs. Gateways by hand cannot tell."""
    for rows, gateways in pieces(db, tenant, ATTEMPTS):
        answers = [(row, gateways[row["gateway"]].look_up(row["id"])) for row in rows]
        taken = taken_of(db, tenant, answers)
        for row, outcome in answers:
            # Some gateways find a refund, a capture or a raised hold again only when it is repeated.
            if outcome is None and row["kind"] != "charge":
                counted.untold += 1
                continue
            counted.told += 1
            by = row["charge"] if row["kind"] == "capture" else getattr(outcome, "reference", None)
            yield from judge(row, outcome, taken.get(by))
    for rows, gateways in pieces(db, tenant, DISPUTES):
        for row in rows:
            counted.told += 1
            found = gateways[row["gateway"]].dispute(row["reference"])
            net = disputes.net_of(found) if found else {}
            if net != row["net"]:
                yield Finding("disputes_are_as_the_gateway_says", row["id"], f"{net} moved", f"{row['net']}")


def pieces(db: Database, tenant: str, sql: str) -> Iterator[tuple[list[Row], Mapping[str | None, Gateway]]]:
    """Yield rows with the gateways that can be asked about them, while no transaction is open."""
    after: str | None = ""
    while after is not None:
        with db.snapshot(tenant) as tx:
            rows = tx.all(sql, after=after, piece=PIECE)
            gateways = gateways_of(tx, rows)
        yield [row for row in rows if row["gateway"] in gateways], gateways
        after = rows[-1]["id"] if len(rows) == PIECE else None


def gateways_of(tx: Tx, rows: Sequence[Row]) -> dict[str | None, Gateway]:
    """Return the gateways of rows by their names, but for those by hand and those that are gone."""
    found: dict[str | None, Gateway] = {}
    for name in {row["gateway"] for row in rows}:
        try:
            gateway = gateway_named(tx, name)
        except Unavailable:
            continue
        if not isinstance(gateway, ByHand):
            found[name] = gateway
    return found


def taken_of(
    db: Database, tenant: str, answers: Sequence[tuple[Row, Outcome | None]]
) -> dict[str | None, Row]:
    """Return the charges that attempts made, by the gateway's reference and by id."""
    references = [outcome.reference for _, outcome in answers if isinstance(outcome, Succeeded)]
    with db.snapshot(tenant) as tx:
        ids = [row["charge"] for row, _ in answers if row["charge"]]
        found = tx.all(TAKEN, references=references, ids=ids)
    return {name: row for row in found for name in (row["reference"], row["id"])}


def judge(row: Row, outcome: Outcome | None, taken: Row | None) -> Iterator[Finding]:
    """Compare an attempt that is settled with the gateway's word: the state, the amount and the fee.

    One that failed may still wait for its customer at the gateway: no money has moved.
    """
    said = STATES.get(type(outcome), "waiting") if outcome else "unknown"
    if "succeeded" in (said, row["state"]) and said != row["state"]:
        yield Finding(PAYMENTS, row["id"], f"{said} at the gateway", row["state"])
        return
    if not isinstance(outcome, Succeeded):
        return
    if row["kind"] == "increment" or (row["kind"] == "capture" and not row["amount"]):
        return  # no money has moved
    if row["kind"] == "refund":
        if row["refund"] != "succeeded":
            yield Finding(PAYMENTS, row["id"], "a refund that succeeded", str(row["refund"]))
    elif taken is None:
        yield Finding(PAYMENTS, row["id"], f"the charge {outcome.reference} of the gateway", "none")
    else:
        told, seen = (row["amount"], outcome.fee), recorded(row, outcome, taken)
        if told != seen:
            yield Finding(PAYMENTS, row["id"], f"amount and fee {told}", str(seen))


def recorded(row: Row, outcome: Succeeded, taken: Row) -> tuple[int, int]:
    """Return the amount and the fee that are recorded of a charge, or of one of its captures."""
    if row["movement"]:
        return row["moved"], row["fee"]
    if row["kind"] == "capture":  # from before captures had movements of their own
        return taken["amount_captured"], taken["fee"]
    held = outcome.fee == 0  # its fee is that of its capture
    grown = taken["amount"] == max(row["amount"], taken["raised"] or 0, taken["amount_captured"])
    return row["amount"] if held and grown else taken["amount"], outcome.fee if held else taken["fee"]
