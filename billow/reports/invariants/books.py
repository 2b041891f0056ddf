"""Check that the books agree with customers, invoices, charges and refunds."""

from collections.abc import Iterator, Sequence
from typing import Any

from billow.core.findings import Finding
from billow.store.tx import Tx

STANDING = "('open', 'paid', 'uncollectible')"
"""Finalized invoices that are not void."""


def differences(tx: Tx, rule: str, sql: str, ids: Sequence[str], **params: Any) -> Iterator[Finding]:
    """Yield a finding for each row (id, expected, found) of a statement in which the two differ."""
    for row in tx.all(
        f"select * from ({sql}) compared where found <> expected order by id", ids=list(ids), **params
    ):
        yield Finding(rule, row["id"], f"{row['expected']} in the books", str(row["found"]))


def _account(prefix: str) -> str:
    """Return a statement that sums the accounts `prefix:id` of some customers, debits less credits."""
    sums = " - ".join(
        f"coalesce((select sum(amount) from ledger_transfers where {side} = '{prefix}:' || x.id), 0)"
        for side in ("debit", "credit")
    )
    return f"select x.id, {sums} as booked from unnest(%(ids)s::text[]) as x (id)"


def balances_are_booked(tx: Tx, customers: Sequence[str]) -> Iterator[Finding]:
    """Check that a customer's balance, credit negative, equals the balance in the books."""
    sql = (
        f"select c.id, b.booked::numeric as expected, c.balance::numeric as found from customers c"
        f" join ({_account('customer_balance')}) b on b.id = c.id"
    )
    yield from differences(tx, "balances_are_booked", sql, customers)


def credits_add_up(tx: Tx, grants: Sequence[str]) -> Iterator[Finding]:
    """Check that what is left of a grant is the sum of its transactions."""
    sql = (
        "select g.id, coalesce((select sum(t.amount) from credit_balance_transactions t"
        " where t.credit_grant = g.id), 0) as expected, g.balance::numeric as found"
        " from credit_grants g where g.id = any(%(ids)s)"
    )
    yield from differences(tx, "credits_add_up", sql, grants)


def paid_credits_are_owed(tx: Tx, grants: Sequence[str]) -> Iterator[Finding]:
    """Check that the books owe what is left of sold credits: granted, less used, expired or voided."""
    moved = " + ".join(
        f"coalesce((select sum({sign}t.amount) from ledger_transfers t"
        f" where t.{side} = 'prepaid' and (t.source = g.id or t.source in"
        " (select b.id from credit_balance_transactions b where b.credit_grant = g.id))), 0)"
        for side, sign in (("credit", ""), ("debit", "-"))
    )
    sql = (
        f"select g.id, {moved} + {RESTORED} as expected, g.balance::numeric as found from credit_grants g"
        " where g.id = any(%(ids)s) and g.category = 'paid'"
    )
    yield from differences(tx, "paid_credits_are_owed", sql, grants)


#: What voided invoices gave back: their reversal is posted under the invoice.
RESTORED = (
    "coalesce((select sum(b.amount) from credit_balance_transactions b where b.credit_grant = g.id"
    " and b.amount > 0 and b.invoice is not null), 0)"
)


def receivables_are_open_invoices(tx: Tx, customers: Sequence[str]) -> Iterator[Finding]:
    """Check invariant 2: a customer's receivable in the books equals what is open on their invoices."""
    sql = (
        "select b.id, b.booked::numeric as expected, (select coalesce(sum(i.amount_due - i.amount_paid), 0)"
        " from invoices i where i.customer = b.id and i.status = 'open') as found"
        f" from ({_account('receivable')}) b"
    )
    yield from differences(tx, "receivables_are_open_invoices", sql, customers)


def deferred_is_unearned(tx: Tx, customers: Sequence[str]) -> Iterator[Finding]:
    """Check invariant 4: deferred revenue is what is invoiced and not yet earned, per line, without tax."""
    sql = (
        "select x.id, (select coalesce(sum("
        "case when credit = 'deferred_revenue' then amount else -amount end), 0)"
        " from ledger_transfers t where t.customer = x.id and 'deferred_revenue' in (t.debit, t.credit))"
        " as expected, (select coalesce(sum(l.net - l.credited - l.earned), 0) from invoices i"
        " join invoice_lines l on l.invoice = i.id"
        f" where i.customer = x.id and i.status in {STANDING}"
        " and not (l.kind = 'prepaid' and i.status = 'uncollectible')) as found"
        " from unnest(%(ids)s::text[]) as x (id)"
    )
    yield from differences(tx, "deferred_is_unearned", sql, customers)


def unbilled_is_invoiced(tx: Tx, customers: Sequence[str]) -> Iterator[Finding]:
    """Check that what customers earned us before their invoices is on these invoices, and nothing is left."""
    sql = (
        "select x.id, 0::numeric as expected, (select coalesce(sum("
        "case when debit = 'unbilled' then amount else -amount end), 0)"
        " from ledger_transfers t where t.customer = x.id and 'unbilled' in (t.debit, t.credit)) as found"
        " from unnest(%(ids)s::text[]) as x (id)"
    )
    yield from differences(tx, "unbilled_is_invoiced", sql, customers)


def taxes_are_booked(tx: Tx, customers: Sequence[str]) -> Iterator[Finding]:
    """Check that the tax payable for a customer is that of their finalized, not void invoices.

    Less what credit notes and refunds have taken back of it, and what was claimed back after a write-off.
    """
    sql = (
        "select x.id, (select coalesce(sum("
        "case when credit ^@ 'tax_payable:' then amount else -amount end), 0)"
        " from ledger_transfers t where t.customer = x.id"
        " and (t.credit ^@ 'tax_payable:' or t.debit ^@ 'tax_payable:')) as expected,"
        " (select coalesce(sum((e->>'amount')::bigint), 0) from invoices i"
        " cross join jsonb_array_elements(i.total_taxes) e"
        f" where i.customer = x.id and i.status in {STANDING})"
        " - (select coalesce(sum((e->>'amount')::bigint), 0) from credit_notes n"
        " join invoices i on i.id = n.invoice cross join jsonb_array_elements(n.total_taxes) e"
        f" where n.customer = x.id and n.status = 'issued' and i.status in {STANDING})"
        " - (select coalesce(sum((e->>'amount')::bigint), 0) from refunds f"
        " cross join jsonb_array_elements(f.granted->'taxes') e where f.customer = x.id)"
        " - (select coalesce(sum(case when t.debit ^@ 'tax_payable:' then t.amount else -t.amount end), 0)"
        " from ledger_transfers t join invoices i on i.id = t.invoice"
        f" where t.customer = x.id and t.event = 'invoice.tax_relieved' and i.status in {STANDING})"
        " - (select coalesce(sum((e->>'amount')::bigint), 0) from payment_records p"
        " cross join jsonb_array_elements(p.refunds) f"
        " cross join jsonb_array_elements(f->'granted'->'taxes') e"
        " where p.customer = x.id) as found"
        " from unnest(%(ids)s::text[]) as x (id)"
    )
    yield from differences(tx, "taxes_are_booked", sql, customers)


def unapplied_cash_is_queued(tx: Tx, entries: Sequence[str]) -> Iterator[Finding]:
    """Check that the unapplied cash in the books is what the entries of the bank say is not applied.

    Every transfer of it is one of an entry, of one that was ignored or restored, or of an application.
    """
    sql = (
        "select e.id, e.unapplied::numeric as found, coalesce((select"
        " sum(case when t.credit = 'unapplied_cash' then t.amount else -t.amount end) from ledger_transfers t"
        " where 'unapplied_cash' in (t.debit, t.credit) and (t.source = e.id or t.source ^@ (e.id || '@')"
        " or t.source in (select a.id from bank_applications a where a.entry = e.id))), 0)"
        " + coalesce((select sum(o.amount) from bank_entries o where o.reversed_by = e.id"
        " and o.state = 'reversed'), 0)"
        " - case when e.state = 'reversed' then e.amount else 0 end as expected"
        " from bank_entries e where e.id = any(%(ids)s)"
    )
    yield from differences(tx, "unapplied_cash_is_queued", sql, entries)


def cash_balances_are_unapplied(tx: Tx, customers: Sequence[str]) -> Iterator[Finding]:
    """Check that a customer's cash balance is what is left of the transfers that are known to be theirs."""
    sql = (
        "select c.id, coalesce((select sum(t.net_amount) from cash_balance_transactions t"
        " where t.customer = c.id), 0) as found, coalesce((select sum(e.unapplied) from bank_entries e"
        " where e.customer = c.id and e.state = 'queued'), 0) as expected"
        " from customers c where c.id = any(%(ids)s)"
    )
    yield from differences(tx, "cash_balances_are_unapplied", sql, customers)


def intents_received_their_charges(tx: Tx, intents: Sequence[str]) -> Iterator[Finding]:
    """Check that an intent has received what was captured or transferred for it, and by one charge at most.

    What came back later, as a returned debit does, was received all the same.
    """
    for row in tx.all(
        "select p.id, p.amount_received, c.received + b.received as received, c.succeeded"
        " from payment_intents p cross join lateral (select coalesce(sum(c.amount_captured), 0)"
        " as received, count(*) filter (where c.status = 'succeeded')"
        " as succeeded from charges c where c.payment_intent = p.id) c"
        " cross join lateral (select coalesce(sum(t.amount), 0) as received from (select a.amount"
        " from invoice_payments y join bank_applications a on a.invoice = y.invoice"
        " and a.invoice_payment = y.id where y.payment_intent = p.id union all"
        " select a.amount from bank_applications a where a.payment_intent = p.id) t) b"
        " where p.id = any(%(ids)s)"
        " and (p.amount_received <> c.received + b.received or c.succeeded > 1) order by p.id",
        ids=list(intents),
    ):
        seen = f"{row['amount_received']}, and {row['succeeded']} charges that succeeded"
        yield Finding(
            "intents_received_their_charges", row["id"], f"{row['received']} by one charge at most", seen
        )


MADE = (
    "c.amount = greatest(a.amount, c.amount_captured, (select max(i.amount) from attempts i"
    " where i.charge = c.id and i.kind = 'increment' and i.state = 'succeeded'))"
    " and c.currency = a.currency and c.reference is not null"
    " and (c.id = a.charge or c.payment_intent = a.payment_intent"
    " or c.late_for in (a.payment_intent, a.charge))"
)
"""How a charge `c` is that of an attempt `a`; a payment that came too late names what it was for.

It is of the attempt's amount, unless the hold was raised or more was captured than it held.
"""


def attempts_made_their_charges(tx: Tx, attempts: Sequence[str]) -> Iterator[Finding]:
    """Check that attempts which succeeded have made charges of their amount, as many as there are of them."""
    for row in tx.all(
        "select a.id, a.amount, a.currency, (select count(*) from charges c"
        f" where {MADE} and c.status = 'succeeded') as charges, (select count(*) from attempts o"
        " where o.kind = 'charge' and o.state = 'succeeded' and o.amount = a.amount"
        " and (o.id = a.id or o.payment_intent = a.payment_intent)) as attempts from attempts a"
        " where a.id = any(%(ids)s) and a.kind = 'charge' and a.state = 'succeeded' order by a.id",
        ids=list(attempts),
    ):
        if row["charges"] != row["attempts"]:
            about = f"{row['attempts']} charges of {row['amount']} {row['currency']}"
            yield Finding("attempts_made_their_charges", row["id"], about, str(row["charges"]))


def refunds_fit_their_charge(tx: Tx, charges: Sequence[str]) -> Iterator[Finding]:
    """Check that the refunds of a charge, those under way too, are not more than it took."""
    sql = (
        "select r.id, case when r.amount_captured > 0 then r.amount_captured else r.amount end as expected,"
        " (select coalesce(sum(f.amount), 0) from refunds f where f.charge = r.id"
        " and f.status in ('succeeded', 'pending', 'requires_action')) as found"
        " from charges r where r.id = any(%(ids)s) and r.status = 'succeeded'"
    )
    for row in tx.all(
        f"select * from ({sql}) compared where found > expected order by id", ids=list(charges)
    ):
        yield Finding(
            "refunds_fit_their_charge", row["id"], f"at most {row['expected']} refunded", str(row["found"])
        )


CLEARED = (
    "(select coalesce(sum(case when t.debit ^@ 'clearing:' then t.amount else -t.amount end), 0)"
    " from ledger_transfers t where t.source = any(array(select r.id union all select b.id from"
    " balance_transactions b where b.source = r.id and b.type = 'charge'))"
    " and (t.debit ^@ 'clearing:' or t.credit ^@ 'clearing:')"
    " and not t.event ^@ 'gateway.exchanged')"
)
"""The sum on the gateway's clearing account from a charge, with each of its captures, or a refund.

It is what was there before the gateway turned it into another currency.
"""


def charges_are_booked(tx: Tx, charges: Sequence[str]) -> Iterator[Finding]:
    """Check that a captured charge is on the balance and in the books, and any other charge in neither.

    One that failed after it was captured is in both twice, there and back.
    """
    for row in tx.all(
        "select r.id, r.status, r.captured, r.amount, r.amount_captured, r.amount_refunded, m.moved, m.net,"
        f" {CLEARED} as booked, r.failure_balance_transaction as came_back, r.balance_transaction as named,"
        " (select coalesce(sum(f.amount), 0) from refunds f"
        " where f.charge = r.id and f.status = 'succeeded') as given_back"
        " from charges r cross join lateral (select sum(b.amount)::bigint as moved, sum(b.net)::bigint as net"
        " from balance_transactions b where b.id in (r.balance_transaction, r.failure_balance_transaction)"
        " or (b.source = r.id and b.type = 'charge')) m"
        " where r.id = any(%(ids)s) order by r.id",
        ids=list(charges),
    ):
        taken = (row["amount_captured"] or None) if row["status"] == "succeeded" else None
        taken = 0 if row["came_back"] else taken
        seen = {"in our balance": row["moved"], "in the books": row["booked"], "net": row["net"] or 0}
        if row["moved"] != taken or row["booked"] != (row["net"] or 0):
            yield Finding("charges_are_booked", row["id"], f"{taken} taken", f"{seen}")
        if row["moved"] is not None and row["named"] is None:
            yield Finding(
                "charges_are_booked", row["id"], "a charge that names its balance transaction", "none"
            )
        released = row["amount"] - row["amount_captured"] if row["captured"] else 0
        if taken is not None and released + row["given_back"] != row["amount_refunded"]:
            given = f"{released} released and {row['given_back']} refunded"
            yield Finding("charges_are_booked", row["id"], given, f"amount_refunded {row['amount_refunded']}")


def refunds_are_booked(tx: Tx, refunds: Sequence[str]) -> Iterator[Finding]:
    """Check that a refund of a captured charge has left the balance, and is in the books."""
    for row in tx.all(
        f"select r.id, r.amount, r.status, {CLEARED} as booked, c.amount_captured > 0 as captured,"
        " (select sum(b.net) from balance_transactions b"
        " where b.id in (r.balance_transaction, r.failure_balance_transaction)) as net"
        " from refunds r join charges c on c.id = r.charge where r.id = any(%(ids)s) order by r.id",
        ids=list(refunds),
    ):
        left = -row["amount"] if row["status"] == "succeeded" and row["captured"] else 0
        if (row["net"] or 0) != left or row["booked"] != left:
            seen = {"in our balance": row["net"], "in the books": row["booked"]}
            yield Finding("refunds_are_booked", row["id"], f"{left} moved", f"{seen}")


def returned_cash_is_booked(tx: Tx, refunds: Sequence[str]) -> Iterator[Finding]:
    """Check that a refund of a cash balance is owed until it is sent, and then has left the bank."""
    for row in tx.all(
        "select r.id, r.status, r.amount, coalesce(sum(case when t.credit = 'refunds_payable' then t.amount"
        " when t.debit = 'refunds_payable' then -t.amount end), 0) as owed,"
        " coalesce(sum(case when t.credit = 'bank' then t.amount"
        " when t.debit = 'bank' then -t.amount end), 0) as sent,"
        " (select coalesce(-sum(e.amount), 0) from bank_entries e where e.refund = r.id) as stated"
        " from refunds r left join ledger_transfers t on t.source ^@ r.id"
        " or t.source in (select a.id from bank_applications a where a.refund = r.id)"
        " where r.id = any(%(ids)s) and r.charge is null and r.payment_intent is null"
        " group by r.id, r.status, r.amount order by r.id",
        ids=list(refunds),
    ):
        owed = row["amount"] if row["status"] in ("pending", "requires_action") else 0
        # A statement may show less than was said by hand, and more where a transfer was made twice.
        sent = max(row["amount"] if row["status"] == "succeeded" else 0, row["stated"])
        if (row["owed"], row["sent"]) != (owed, sent):
            seen = {"owed": int(row["owed"]), "sent": int(row["sent"])}
            yield Finding("returned_cash_is_booked", row["id"], f"{owed} owed, {sent} sent", f"{seen}")


def disputes_are_booked(tx: Tx, disputes: Sequence[str]) -> Iterator[Finding]:
    """Check that what a dispute took from our balance is in the books, as disputed until it is decided."""
    for row in tx.all(
        "select r.id, r.status, coalesce(sum(t.amount) filter (where t.debit = 'disputed'), 0)"
        " - coalesce(sum(t.amount) filter (where t.credit = 'disputed'), 0) as disputed,"
        " coalesce(sum(t.amount) filter (where t.debit ^@ 'clearing:'), 0)"
        " - coalesce(sum(t.amount) filter (where t.credit ^@ 'clearing:'), 0) as cleared,"
        " (select coalesce(sum(b.net), 0) from balance_transactions b where b.source = r.id) as net,"
        " (select coalesce(sum(case when b.currency = r.currency then b.amount"
        " else sign(b.amount) * r.amount end), 0)::bigint"
        " from balance_transactions b where b.source = r.id) as moved"
        " from disputes r left join ledger_transfers t on t.source ^@ r.id"
        " where r.id = any(%(ids)s) group by r.id, r.status order by r.id",
        ids=list(disputes),
    ):
        open_amount = 0 if row["status"] in ("lost", "won", "warning_closed", "prevented") else -row["moved"]
        if row["cleared"] != row["net"] or row["disputed"] != open_amount:
            seen = {"cleared": row["cleared"], "disputed": row["disputed"]}
            yield Finding(
                "disputes_are_booked", row["id"], f"{row['net']} moved, {open_amount} open", f"{seen}"
            )


def payouts_are_booked(tx: Tx, payouts: Sequence[str]) -> Iterator[Finding]:
    """Check that what a payout took from our balance is in the books, and on its way until it has arrived."""
    for row in tx.all(
        f"select r.id, r.status, r.amount, r.bank_entry, {CLEARED} as booked,"
        " (select coalesce(sum(b.net), 0) from balance_transactions b where b.source = r.id) as net,"
        " (select coalesce(sum(case when t.debit = 'in_transit' then t.amount else -t.amount end), 0)"
        " from ledger_transfers t where t.source in (r.id, r.bank_entry)"
        " and 'in_transit' in (t.debit, t.credit)) as on_its_way"
        " from payouts r where r.id = any(%(ids)s) order by r.id",
        ids=list(payouts),
    ):
        under_way = row["status"] in ("pending", "in_transit") and row["bank_entry"] is None
        wanted = row["amount"] if under_way else 0
        if row["booked"] != row["net"] or row["on_its_way"] != wanted:
            seen = {"in the books": row["booked"], "on its way": row["on_its_way"]}
            yield Finding(
                "payouts_are_booked", row["id"], f"{row['net']} moved, {wanted} on its way", f"{seen}"
            )


def transfers_name_their_customer(tx: Tx, transfers: Sequence[str]) -> Iterator[Finding]:
    """Check that a transfer of an account that is checked by customer names an existing customer."""
    for row in tx.all(
        "select t.id, t.debit, t.credit, t.customer from ledger_transfers t"
        " left join customers c on c.id = t.customer where t.id = any(%(ids)s)"
        " and not (t.source ^@ 'adj_' and t.customer is null) and (t.customer is null"
        " or c.id is null) and exists (select from unnest(array[t.debit, t.credit]) account"
        " where account ~ '^(receivable|customer_balance|tax_payable|deferred_revenue)(:|$)') order by t.id",
        ids=list(transfers),
    ):
        about = f"{row['debit']} from {row['credit']} for {row['customer']}"
        yield Finding("transfers_name_their_customer", row["id"], "a customer of this account", about)
