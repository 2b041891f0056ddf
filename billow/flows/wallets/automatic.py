"""Order top-ups of wallets of which too little is left."""

from collections.abc import Sequence

from billow.api import rows
from billow.core import wallets
from billow.flows.wallets import left, orders
from billow.resources.customer import Customer
from billow.resources.wallet import Wallet
from billow.store import clocks, jobs
from billow.store.jobs import job
from billow.store.tx import Tx

ORDERED = """
    select wallet, count(*) filter (where status in ('draft', 'open')) as open,
        coalesce(sum(subtotal) filter (where top_up = 'automatic' and created >= %(since)s
            and status not in ('uncollectible', 'void')), 0)::bigint as ordered
    from invoices where wallet = any(%(ids)s) group by wallet"""


@job("wallet.check", batch=jobs.BATCH)
def check(tx: Tx, refs: list[str]) -> None:
    """Order a top-up of each of these wallets of which too little is left.

    Locks customers, then wallets. The number of statements does not grow with the batch, but with the test
    clocks that its customers are on.
    """
    held = [one for one in rows.lock_owned(tx, Wallet, refs) if one.watched]
    for clock in sorted({one.test_clock or "" for one in held}):
        order_due(clocks.enter(tx, clock or None), [one for one in held if (one.test_clock or "") == clock])


def order_due(tx: Tx, held: Sequence[Wallet]) -> None:
    """Order what is due of wallets whose customers are on one clock."""
    customers = rows.find_many(tx, Customer, [one.customer for one in held])
    since = wallets.month_start(tx.now)
    history = {row["wallet"]: row for row in tx.all(ORDERED, ids=[one.id for one in held], since=since)}
    free = [
        one
        for one in held
        if can_order(one, customers[one.customer]) and not history.get(one.id, {}).get("open")
    ]
    balances = left.balances(tx, free) if free else {}
    due = []
    for one in free:
        terms, ordered = one.top_up or {}, history.get(one.id, {}).get("ordered", 0)
        amount = wallets.amount_to_order(
            balances[one.id].left, terms["threshold"], terms["amount"], terms["monthly_limit"], ordered
        )
        if amount:
            due.append(orders.Order(one, customers[one.customer], amount))
    if due:
        orders.order(tx, due, "automatic")


def can_order(wallet: Wallet, customer: Customer) -> bool:
    """Return whether a wallet's customer can get an invoice in its currency."""
    return not customer.deleted and customer.currency in (None, wallet.currency)
