"""Check that the chain of seals is complete, and that the transfers are as they were when sealed.

All functions read in batches, so that memory is bounded; each runs one or two statements in the transaction
that it is given.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from billow.core.findings import Finding
from billow.ledger import chain
from billow.ledger.chain import Seal
from billow.store.tx import Tx

MOST_NAMED = 20
"""The most missing or unknown transfers that are named one by one."""
SEALED = "select unnest(transfers) as id from ledger_seals"
KNOWN = f"{SEALED} union all select transfer from ledger_unsealed"


@dataclass(frozen=True, slots=True)
class Extent:
    """The size of the ledger: its newest seal, and how many transfers are sealed, unsealed and stored."""

    head: Seal | None
    sealed: int
    waiting: int
    transfers: int


def extent(tx: Tx) -> Extent:
    [(sealed, waiting, transfers)] = tx.tuples(
        "select (select coalesce(sum(cardinality(transfers)), 0)::bigint from ledger_seals),"
        " (select count(*) from ledger_unsealed), (select count(*) from ledger_transfers)"
    )
    return Extent(chain.head(tx), sealed, waiting, transfers)


def place_of(tx: Tx, noted: bytes) -> Seal | None:
    """Find the seal with this hash."""
    found = chain.seals(tx, "hash = %(hash)s", hash=noted)
    return found[0] if found else None


def first_of_newest(tx: Tx, most: int) -> int:
    """Return the number of the oldest seal that, with all newer ones, covers at most `most` transfers."""
    found = tx.tuples(
        "select coalesce(min(number), (select coalesce(max(number), 1) from ledger_seals))"
        " from (select number, sum(cardinality(transfers)) over (order by number desc) as covered"
        " from ledger_seals) newest"
        " where covered <= %(most)s",
        most=most,
    )
    return int(found[0][0])


def links(tx: Tx, first: int, count: int) -> tuple[list[Seal], list[Finding]]:
    """Check `count` seals from number `first` on, and their transfers. Returns the seals and the findings.

    The seal before the first is read too, because the first one contains its hash.
    """
    read = chain.seals(
        tx, "number >= %(first)s - 1 and number < %(first)s + %(count)s", first=first, count=count
    )
    wanted = [seal for seal in read if seal.number >= first]
    found: list[Finding] = []
    if first == 1 and wanted and wanted[0].previous != chain.genesis(tx.tenant):
        found.append(broken(wanted[0], "to be the first", f"previous {wanted[0].previous.hex()}"))
    if (wanted and wanted[0].number > first) or (first > 1 and read and read[0].number != first - 1):
        found.append(Finding("seals_are_chained", f"seal {first - 1 or 1}", "a seal", "none"))
    for before, after in pairwise(read):
        if after.number != before.number + 1:
            found.append(broken(after, f"number {before.number + 1} before it", f"number {before.number}"))
        elif after.previous != before.hash:
            found.append(broken(after, f"previous {before.hash.hex()}", f"previous {after.previous.hex()}"))
    found += [
        broken(seal, f"hash {chain.link(seal).hex()}", f"hash {seal.hash.hex()}")
        for seal in wanted
        if chain.link(seal) != seal.hash
    ]
    for seal in wanted:
        leaves = dict(zip(seal.transfers, seal.leaves, strict=True))
        found += differing(tx, leaves, f"in seal {seal.number}")
    return wanted, found


def broken(seal: Seal, expected: str, is_there: str) -> Finding:
    return Finding("seals_are_chained", f"seal {seal.number}", expected, is_there)


def waiting(tx: Tx, after: str, count: int) -> tuple[str | None, list[Finding]]:
    """Check transfers that are not sealed yet against their noted leaves. Returns the last id too."""
    noted = tx.tuples(
        "select transfer, leaf from ledger_unsealed where transfer > %(after)s order by transfer limit %(n)s",
        after=after,
        n=count,
    )
    leaves = {id: bytes(leaf) for id, leaf in noted}
    return max(leaves, default=None), list(differing(tx, leaves, "not yet sealed"))


def differing(tx: Tx, leaves: dict[str, bytes], where: str) -> Iterator[Finding]:
    """Find the transfers that are missing, or differ from what was sealed."""
    columns = ", ".join(chain.COLUMNS)
    read = tx.all(f"select {columns} from ledger_transfers where id = any(%(ids)s)", ids=list(leaves))
    there = {row["id"]: chain.leaf(row) for row in read}
    shown = {row["id"]: row for row in read}
    for id, leaf in leaves.items():
        if id not in there:
            yield Finding("transfers_are_sealed", id, f"the transfer that is {where}", "none")
        elif there[id] != leaf:
            is_there = {name: str(value) for name, value in shown[id].items() if name != "id"}
            yield Finding("transfers_are_sealed", id, f"what was posted ({where})", f"{is_there}")


def strangers(tx: Tx) -> Iterator[Finding]:
    """Find transfers that were never posted, and sealed ones that are missing, in the whole ledger."""
    extra = f"select id from ledger_transfers t where not exists (select from ({KNOWN}) k where k.id = t.id)"
    gone = f"select id from ({KNOWN}) k where not exists (select from ledger_transfers t where t.id = k.id)"
    for id in _some(tx, extra):
        yield Finding("transfers_are_sealed", id, "no transfer that is neither sealed nor noted", "one")
    for id in _some(tx, gone):
        yield Finding("transfers_are_sealed", id, "the transfer that was posted", "none")


def _some(tx: Tx, sql: str) -> Sequence[str]:
    return [id for (id,) in tx.tuples(f"{sql} order by id limit {MOST_NAMED}")]
