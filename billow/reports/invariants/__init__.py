"""Check the rules that hold in every installation at every instant, for `billow check` and the tests.

A rule reads a batch of a tenant's rows (customers, invoices and so on) in one transaction and yields what is
wrong. Each batch is read in its own snapshot, so a rule may only check what is true between any two
transactions of a running system.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from billow.core.findings import Finding
from billow.reports.invariants import books, credit_notes, event_histories, invoices, subscriptions, wallets
from billow.store.tx import Tx

Check = Callable[[Tx, Sequence[str]], Iterator[Finding]]
PIECE = 500
"""Rows that are checked in one transaction."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, the table whose rows it checks, and whether only a full check runs it."""

    check: Check
    over: str
    full: bool = False

    @property
    def name(self) -> str:
        return self.check.__name__


RULES = (
    Rule(books.balances_are_booked, "customers"),
    Rule(books.receivables_are_open_invoices, "customers"),
    Rule(books.deferred_is_unearned, "customers"),
    Rule(books.unbilled_is_invoiced, "customers"),
    Rule(books.taxes_are_booked, "customers"),
    Rule(books.unapplied_cash_is_queued, "bank_entries"),
    Rule(books.cash_balances_are_unapplied, "customers"),
    Rule(books.credits_add_up, "credit_grants"),
    Rule(books.paid_credits_are_owed, "credit_grants"),
    Rule(wallets.top_ups_are_delivered, "wallets"),
    Rule(books.intents_received_their_charges, "payment_intents"),
    Rule(books.attempts_made_their_charges, "attempts"),
    Rule(books.charges_are_booked, "charges"),
    Rule(books.refunds_fit_their_charge, "charges"),
    Rule(books.refunds_are_booked, "refunds"),
    Rule(books.returned_cash_is_booked, "refunds"),
    Rule(books.disputes_are_booked, "disputes"),
    Rule(books.payouts_are_booked, "payouts"),
    Rule(books.transfers_name_their_customer, "ledger_transfers", full=True),
    Rule(invoices.intents_and_invoices_agree, "invoices"),
    Rule(invoices.amounts_paid_are_payments, "invoices"),
    Rule(invoices.totals_are_sums, "invoices"),
    Rule(credit_notes.credit_notes_are_sums, "credit_notes"),
    Rule(credit_notes.credit_notes_are_bounded, "invoices"),
    Rule(invoices.no_period_twice, "invoices"),
    Rule(invoices.invoices_have_their_customer, "invoices"),
    Rule(invoices.numbers_are_in_sequence, "customers"),
    Rule(invoices.series_have_no_gap, "number_series"),
    Rule(invoices.once_coupons_are_used_once, "customers"),
    Rule(subscriptions.subscriptions_have_their_customer, "subscriptions"),
    Rule(subscriptions.statuses_agree, "subscriptions"),
    Rule(event_histories.previous_attributes_are_right, "events", full=True),
    Rule(event_histories.statuses_follow_lifecycle, "events", full=True),
)

#: Ids in the order of the index that each table has on (tenant, created, id).
BY_CREATION = (
    "select id, created from {table} where (created, id) > (%(created)s, %(id)s)"
    " order by created, id limit %(piece)s"
)
#: The objects that events are about.
BY_RELATED = (
    "select distinct related as id, '-infinity'::timestamptz as created from events"
    " where related > %(id)s order by related limit %(piece)s"
)


@dataclass(frozen=True, slots=True)
class Place:
    """The last row that a rule has checked."""

    created: str = "-infinity"
    id: str = ""


def piece(tx: Tx, rule: Rule, place: Place) -> tuple[list[Finding], Place | None]:
    """Check the next batch of a rule's rows. Returns the findings and where to continue, None at the end."""
    sql = BY_RELATED if rule.over == "events" else BY_CREATION.format(table=rule.over)
    sql = f"select id, created::text as created from ({sql}) piece order by piece.created, id"
    rows = tx.all(sql, created=place.created, id=place.id, piece=PIECE)
    found = list(rule.check(tx, [row["id"] for row in rows])) if rows else []
    if len(rows) < PIECE:
        return found, None
    return found, Place(rows[-1]["created"], rows[-1]["id"])


def everything(tx: Tx, rule: Rule) -> Iterator[Finding]:
    """Check all rows of a rule in a tenant, in one transaction."""
    place: Place | None = Place()
    while place:
        found, place = piece(tx, rule, place)
        yield from found


__all__ = ["RULES", "Finding", "Place", "Rule", "everything", "piece"]
