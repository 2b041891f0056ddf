"""Lock the invoices that jobs are about, with their customers."""

from collections.abc import Iterable

from billow.api import rows
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.store import jobs
from billow.store.tx import Tx


def lock_with_customers(tx: Tx, ids: Iterable[str]) -> tuple[dict[str, Customer], list[Invoice]]:
    """Lock the customers of invoices, then the invoices, each in the order of their ids; return both.

    Fails where an invoice does not exist. The first of its three statements reads only whose they are.
    """
    wanted = sorted(set(ids))
    owners = dict(tx.tuples("select id, customer from invoices where id = any(%(ids)s)", ids=wanted))
    if missing := [id for id in wanted if id not in owners]:
        raise jobs.RowMissing(f"There is no invoice {', '.join(missing)}.")
    customers = {one.id: one for one in rows.lock_many(tx, Customer, owners.values())}
    return customers, rows.lock_many(tx, Invoice, wanted)
