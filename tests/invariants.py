"""What must hold after every scenario and every simulated month (ARCHITECTURE.md, invariants)."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from billow.core import lifecycle
from billow.ledger.balances import trial_balance
from billow.store.jobs import run_due
from billow.store.tx import Database, Tx

TABLES = {
    "customer.subscription": lifecycle.SUBSCRIPTION,
    "invoice": lifecycle.INVOICE,
    "quote": lifecycle.QUOTE,
    "subscription_schedule": lifecycle.SCHEDULE,
}
QUIET = {"next_invoice_sequence"}
"""What changes with every invoice and is not worth a word."""


def check_all(db: Database, tenant: str, clock: str | None = None) -> None:
    """Raise with everything that is wrong, not only the first of it."""
    with db.transaction(tenant) as tx:
        wrong = [f"{check.__name__}: {what}" for check in CHECKS for what in check(tx)]
    if clock:
        wrong += [f"running twice changes something: {what}" for what in second_run(db, tenant, clock)]
    assert not wrong, "\n".join(wrong)


def books_balance(tx: Tx) -> Iterator[str]:
    """1. Per currency, the accounts as the trial balance shows them add up to nothing."""
    sums = Counter[str]()
    for account in trial_balance(tx):
        sums[account.currency] += account.debit - account.credit
        if account.balance != account.debit - account.credit:
            yield f"{account}"
    yield from (f"{currency}: {amount} too many debits" for currency, amount in sums.items() if amount)


BALANCE = (
    "select coalesce(sum(case when debit = %(account)s then amount else -amount end), 0)::bigint as balance"
    " from ledger_transfers where %(account)s in (debit, credit)"
)


def balance(tx: Tx, account: str) -> int:
    row = tx.one(BALANCE, account=account)
    assert row is not None
    return int(row["balance"])


def balances_are_booked(tx: Tx) -> Iterator[str]:
    """A customer's balance, credit negative, is what the books say of it."""
    for row in tx.all("select id, balance from customers"):
        booked = balance(tx, f"customer_balance:{row['id']}")
        if booked != row["balance"]:
            yield f"{row['id']}: books {booked}, customer {row['balance']}"


def charges_are_booked(tx: Tx) -> Iterator[str]:
    """The gateway holds what it took less its fees: so say charges, balance transactions and books."""
    [taken] = tx.tuples(
        "select coalesce(sum(c.amount - b.fee), 0)::bigint, coalesce(sum(b.net), 0)::bigint, count(*)"
        " - count(b.id) from charges c left join balance_transactions b on b.id ="
        " c.balance_transaction where c.status = 'succeeded'"
    )
    booked = balance(tx, "clearing:simulated")
    if taken != (booked, booked, 0):
        yield f"charges, movements, charges without one: {taken}; books {booked}"


def intents_and_invoices_agree(tx: Tx) -> Iterator[str]:
    """An invoice's intent succeeded when and only when a payment of it was made, once."""
    yield from (
        str(row)
        for row in tx.all(
            "select i.id, i.status, p.status as intent, p.amount_received, i.amount_paid,"
            " (select count(*) from charges c where c.payment_intent = p.id and c.status = 'succeeded') n"
            " from invoices i join payment_intents p on p.id = i.payment_intent"
            " where (p.status = 'succeeded') <> (i.status = 'paid' and i.amount_paid_off_stripe = 0)"
            " or (select count(*) from charges c where c.payment_intent = p.id and c.status = 'succeeded')"
            " <> (p.status = 'succeeded')::int"
        )
    )


def nothing_hangs(tx: Tx) -> Iterator[str]:
    """No attempt waits for an answer that nobody is going to ask for."""
    yield from (
        f"{row['id']} is under way" for row in tx.all("select id from attempts where state = 'processing'")
    )


def receivables_are_open_invoices(tx: Tx) -> Iterator[str]:
    """2. What the books say that a customer owes is what is open on their invoices."""
    for row in tx.all(
        "select c.id, (select coalesce(sum(amount_due - amount_paid), 0) from invoices"
        " where customer = c.id and status = 'open') as owed from customers c"
    ):
        booked = balance(tx, f"receivable:{row['id']}")
        if booked != row["owed"]:
            yield f"{row['id']}: books {booked}, invoices {row['owed']}"


AMOUNTS = "(select coalesce(sum((e->>'amount')::bigint), 0)::bigint from jsonb_array_elements({}) e{})"
INCLUSIVE = " where e->>'tax_behavior' = 'inclusive'"


def totals_are_sums(tx: Tx) -> Iterator[str]:
    """3. An invoice's total is its lines less discounts plus taxes, and nothing is paid beyond what is due.

    Inclusive tax is in the lines; of an exempt customer it leaves them, so `net` may be less than that.
    """
    taken, taxes = AMOUNTS.format("l.discount_amounts", ""), AMOUNTS.format("l.taxes", "")
    inside = AMOUNTS.format("l.taxes", INCLUSIVE)
    for row in tx.all(
        "select i.id, i.total, i.amount_due, i.amount_paid, i.customer_tax_exempt as status,"
        f" {AMOUNTS.format('i.total_discount_amounts', '')} as off,"
        f" {AMOUNTS.format('i.total_taxes', '')} as tax,"
        " i.total_excluding_tax, coalesce(sum(l.net), 0)::bigint net,"
        f" coalesce(sum({taken}), 0)::bigint taken, coalesce(sum({taxes}), 0)::bigint taxes,"
        f" coalesce(bool_or(l.net <> l.amount - {taken} - {inside}), false) odd"
        " from invoices i left join invoice_lines l on l.invoice = i.id group by i.id"
    ):
        fits = row["total"] == row["net"] + row["taxes"] and row["total_excluding_tax"] == row["net"]
        fits = fits and (row["off"], row["tax"]) == (row["taken"], row["taxes"])
        fits = fits and (not row["odd"] or row["status"] != "none")
        if not fits or row["amount_paid"] > row["amount_due"]:
            yield str(row)


def taxes_are_booked(tx: Tx) -> Iterator[str]:
    """What the books owe to tax offices is the tax of the invoices that stand."""
    booked = tx.one(
        "select coalesce(sum(case when credit ^@ 'tax_payable:' then amount else -amount end), 0)::bigint n"
        " from ledger_transfers where credit ^@ 'tax_payable:' or debit ^@ 'tax_payable:'"
    )
    asked = tx.one(
        f"select coalesce(sum({AMOUNTS.format('total_taxes', '')}), 0)::bigint n from invoices"
        " where status in ('open', 'paid', 'uncollectible')"
    )
    if booked != asked:
        yield f"books {booked}, invoices {asked}"


def nothing_lapsed_is_used_twice(tx: Tx) -> Iterator[str]:
    """A coupon for one invoice took something from one that was finalized, at most."""
    for row in tx.all(
        "select d.id, count(distinct i.id) n from discounts d join coupons c on c.id = d.coupon"
        " join invoices i on i.customer = d.customer and i.status <> 'draft'"
        " join jsonb_array_elements(i.total_discount_amounts) e on e->>'discount' = d.id"
        " where c.duration = 'once' and (e->>'amount')::bigint > 0 group by d.id"
    ):
        if row["n"] > 1:
            yield f"{row['id']} on {row['n']} invoices"


def deferred_is_unearned(tx: Tx) -> Iterator[str]:
    """4. Deferred revenue is what is invoiced and not yet earned, line by line, without tax."""
    unearned = tx.one(
        "select coalesce(sum(l.net - l.earned), 0)::bigint as n from invoice_lines l join invoices i"
        " on i.id = l.invoice where i.status in ('open', 'paid', 'uncollectible')"
    )
    assert unearned is not None
    if -balance(tx, "deferred_revenue") != unearned["n"]:
        yield f"books {-balance(tx, 'deferred_revenue')}, lines {unearned['n']}"


def no_period_twice(tx: Tx) -> Iterator[str]:
    """5. What is billed has its billing period, and those of one item do not overlap (the schema says so).

    A proposal bills nothing before it is paid, and a void invoice has billed nothing.
    """
    yield from (
        str(row)
        for row in tx.all(
            "select l.id, l.subscription_item, l.kind, l.period_start from invoice_lines l"
            " join invoices i on i.id = l.invoice where l.kind in ('licensed', 'metered')"
            " and i.status <> 'void' and not exists (select 1 from billing_periods p"
            " where p.subscription_item = l.subscription_item and p.period_start = l.period_start"
            " and p.kind = l.kind and p.invoice = l.invoice)"
            " and not exists (select 1 from subscriptions s where s.pending_change->>'invoice' = i.id)"
        )
    )


def numbers_have_no_gap(tx: Tx) -> Iterator[str]:
    """Each customer's own series counts from 1 to the number of what was finalized."""
    for row in tx.all(
        "select customer, count(*) n, count(distinct number) d, max(right(number, 4)::int) m from invoices"
        " where number ~ '-[0-9]{4}$' group by customer"
    ):
        if not row["n"] == row["d"] == row["m"]:
            yield str(row)


def histories(tx: Tx) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What was told of each object, in order. A price is told as a plan too, under the same id."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in tx.all("select id, type, related, data from events where related is not null order by id"):
        found.setdefault((row["related"], row["data"]["object"]["object"]), []).append(row)
    yield from ((related, events) for (related, _), events in found.items())


def events_tell_what_was(tx: Tx) -> Iterator[str]:
    """6. `previous_attributes` are what the event before showed."""
    for related, events in histories(tx):
        before = events[0]
        for last, now in pairwise(events):
            # One change may be told in several words: each of them then shows the same object.
            before = last if last["data"]["object"] != now["data"]["object"] else before
            for name, old in now["data"].get("previous_attributes", {}).items():
                shown = before["data"]["object"].get(name)
                if name not in QUIET and not _agrees(shown, old):
                    yield f"{related} {now['type']} {name}: was {shown!r}, told {old!r}"


def _agrees(shown: Any, told: Any) -> bool:
    if isinstance(told, dict) and isinstance(shown, dict):
        return all(_agrees(shown.get(key), value) for key, value in told.items())
    return bool(shown == told)


def states_follow_the_tables(tx: Tx) -> Iterator[str]:
    """7. Every change of status is one step in core/lifecycle.py, or two of a draft opened and settled."""
    for related, events in histories(tx):
        table = next((t for prefix, t in TABLES.items() if events[0]["type"].startswith(f"{prefix}.")), None)
        statuses = [event["data"]["object"].get("status") for event in events]
        for old, new in pairwise(statuses):
            if table and old != new and new not in one_step(table, old):
                yield f"{related}: {old} became {new}"


def one_step(table: lifecycle.Table, start: str) -> set[str]:
    found = {to for (state, _), to in table.items() if state == start}
    if table is lifecycle.INVOICE and start == "draft":
        found |= {to for (state, _), to in table.items() if state == "open"}
    return found


ENDED, RUNNING = ("canceled", "incomplete_expired"), ("active", "past_due", "trialing", "unpaid")


def statuses_are_true(tx: Tx) -> Iterator[str]:
    """What the status of a subscription says is so (§5.2): of its invoices, timers, trial and end."""
    for row in tx.all(
        "select s.*, c.frozen_time,"
        " (select array_agg(j.kind) from jobs j where j.tenant = s.tenant and j.ref = s.id) as timers,"
        " (select i.status from invoices i where i.subscription = s.id and i.billing_reason <> 'manual'"
        " and i.status not in ('draft', 'void')"
        " and not (i.status = 'uncollectible' and i.uncollectible_reason = 'subscription_paused')"
        " and i.id is distinct from s.pending_change->>'invoice'"
        " order by i.created desc, i.id desc limit 1) as latest"
        " from subscriptions s left join test_clocks c on c.id = s.test_clock"
    ):
        status, timers, latest = row["status"], row["timers"] or [], row["latest"]
        renewed = bool({"subscription.renew", "subscription.end"} & {*timers})
        rolls = status in RUNNING or (status == "paused" and row["cancel_at"] is not None)
        wrong = {
            "its end": (row["ended_at"] is None) == (status in ENDED),
            "its renewal": renewed != rolls and status != "incomplete",
            "a timer after its end": status in ENDED and bool(timers),
            "its wait for a first payment": ("subscription.expire" in timers) != (status == "incomplete"),
            "its debt": status in ("incomplete", "past_due", "unpaid") and latest == "paid",
            "its forgiven debt": status == "past_due" and latest == "uncollectible",
            "why it is paused": (row["status_details"] is None) == (status == "paused"),
            "its trial": status == "trialing" and row["frozen_time"] is not None
            and row["trial_end"] <= row["frozen_time"],
        }  # fmt: skip
        yield from (
            f"{row['id']} is {status}, and wrong is: {what}" for what, is_so in wrong.items() if is_so
        )


def nothing_is_late(tx: Tx) -> Iterator[str]:
    """8. No job is due in the past of its test clock, and none was given up."""
    yield from (
        str(row)
        for row in tx.all(
            "select j.kind, j.ref, j.run_at, j.error from jobs j left join test_clocks c on c.id = j.clock"
            " where j.tenant = current_setting('billow.tenant') and (j.parked or j.run_at <= c.frozen_time)"
        )
    )


def second_run(db: Database, tenant: str, clock: str) -> Iterator[str]:
    """9. Running every due job again changes nothing."""
    with db.transaction(tenant) as tx:
        row = tx.one("select frozen_time from test_clocks where id = %(id)s", id=clock)
    done = run_due(db, clock=clock, until=row["frozen_time"]) if row else 0
    if done:
        yield f"{done} jobs were still due"


CHECKS = (
    books_balance,
    balances_are_booked,
    charges_are_booked,
    intents_and_invoices_agree,
    nothing_hangs,
    receivables_are_open_invoices,
    totals_are_sums,
    taxes_are_booked,
    nothing_lapsed_is_used_twice,
    deferred_is_unearned,
    no_period_twice,
    numbers_have_no_gap,
    events_tell_what_was,
    states_follow_the_tables,
    statuses_are_true,
    nothing_is_late,
)
