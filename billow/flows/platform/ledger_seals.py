"""Seal the transfers of the ledger into its hash chain, by a job that holds no customer's row."""

from billow.ledger import chain
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx


@job(chain.JOB, batch=1000, lane="events")
def seal(tx: Tx, refs: list[str]) -> None:
    """Seal the committed transfers; every transaction that posts transfers puts this job."""
    if chain.seal(tx) == chain.MOST:
        jobs.put(tx, chain.JOB, refs[0], tx.wall, clock="wall")
