"""Check that the credits of wallets are what was paid for them."""

from collections.abc import Iterator, Sequence

from billow.core.findings import Finding
from billow.store.tx import Tx

TOP_UPS = """
    select i.id, i.status, l.sold, l.delivered, coalesce(g.granted, 0) as granted,
        coalesce(g.balance, 0) as left
    from invoices i cross join lateral (
        select coalesce(sum(net - credited), 0) as sold, coalesce(sum(earned), 0) as delivered
        from invoice_lines where invoice = i.id and kind = 'prepaid') l
    cross join lateral (
        select sum((amount -> 'monetary' ->> 'value')::bigint) as granted, sum(balance) as balance
        from credit_grants where bought_with = i.id) g
    where i.wallet = any(%(ids)s) and case when i.status = 'paid'
        then l.sold <> l.delivered or coalesce(g.granted, 0) < l.delivered else coalesce(g.balance, 0) > 0 end
    order by i.id"""


def top_ups_are_delivered(tx: Tx, wallets: Sequence[str]) -> Iterator[Finding]:
    """Check that a top-up that is paid has granted its credits, and that no other one has any left."""
    for row in tx.all(TOP_UPS, ids=list(wallets)):
        wanted = f"{row['sold']} credits delivered" if row["status"] == "paid" else "no credits"
        seen = f"{row['delivered']} delivered, {row['granted']} granted, {row['left']} left"
        yield Finding("top_ups_are_delivered", row["id"], wanted, seen)
