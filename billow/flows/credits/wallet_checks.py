"""Request checks whether wallets are to be topped up, of which credits were taken or that have new ones."""

from collections.abc import Iterable

from billow.store import jobs
from billow.store.tx import Tx


def request(tx: Tx, wallets: Iterable[str | None]) -> None:
    """Put the check of each of these wallets; others are in no wallet (flows/wallets/automatic.py)."""
    jobs.put_many(tx, "wallet.check", [(id, tx.now) for id in sorted({id for id in wallets if id})])
