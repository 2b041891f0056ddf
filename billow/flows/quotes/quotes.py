"""Create, update, finalize, cancel and expire quotes."""

from datetime import datetime, timedelta
from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.params import Params
from billow.api.resource import EPOCH, Where
from billow.core import lifecycle, numbering
from billow.core.errors import Inconsistent, Refused, require
from billow.flows.billing import currency
from billow.flows.quotes import params, totals
from billow.flows.quotes.lines import lines_of, with_prices
from billow.flows.quotes.params import Create, QuoteDraft, Update
from billow.resources.customer import Customer
from billow.resources.line_item import LineItem
from billow.resources.quote import LIVING, FromQuote, Quote
from billow.resources.test_clock import TestClock
from billow.store import clocks, jobs
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.tx import Tx

VALID_FOR = timedelta(days=30)
"""How long a quote is valid unless `expires_at` says otherwise."""
MAX_ON_A_CLOCK = 10
"""The most quotes without a customer on one test clock (§11)."""


class Finalize(Params):
    expires_at: datetime | None = f.timestamp()


@Quote.create(Create)
def create(tx: Tx, wanted: Create) -> Quote:
    """Create a draft quote from the params, or as a copy of another quote."""
    if wanted.from_quote:
        return clone(tx, wanted, wanted.from_quote)
    customer = rows.lock(tx, Customer, wanted.customer, param="customer") if wanted.customer else None
    tx = clocks.enter(tx, clock_of(tx, wanted, customer))
    id = new_id(Quote.prefix)
    blank = Quote(id=id, series=id, expires_at=whole_second(tx) + VALID_FOR)
    return insert(tx, params.apply_params(tx, blank, wanted, customer, []))


def clock_of(tx: Tx, wanted: Create, customer: Customer | None) -> str | None:
    """Return the test clock of a new quote: its customer's, or without a customer the one in the params."""
    if wanted.test_clock is None:
        return customer.test_clock if customer else None
    rows.find(tx, TestClock, wanted.test_clock, param="test_clock")
    require(
        customer is None or customer.test_clock == wanted.test_clock,
        "The customer is not attached to this test clock.",
        param="test_clock",
    )
    waiting = rows.select(tx, Quote, "test_clock = %(id)s and customer is null", id=wanted.test_clock)
    require(
        customer is not None or len(waiting) < MAX_ON_A_CLOCK,
        f"A test clock can have at most {MAX_ON_A_CLOCK} quotes without a customer.",
        param="test_clock",
    )
    return wanted.test_clock


def clone(tx: Tx, wanted: Create, of: FromQuote) -> Quote:
    """Create a draft as a copy of another quote, which is locked.

    A revision joins the series of that quote; only one quote of a series can be accepted.
    """
    others = sorted(set(wanted.sent()) - {"from_quote", "expires_at"})
    require(
        not others,
        f"You cannot set {others[0] if others else ''} if `from_quote` is set: only `expires_at`.",
        param=others[0] if others else None,
    )
    source = rows.lock(tx, Quote, of.quote, param="from_quote[quote]")
    tx = clocks.enter(tx, source.test_clock)
    require(
        not of.is_revision or source.status == "open",
        f"Only a finalized quote that is still open can be revised; this one is {source.status}.",
        param="from_quote[is_revision]",
    )
    id = new_id(Quote.prefix)
    cleared = {name: getattr(Quote(), name) for name in NOT_COPIED}
    copy = source.but(
        **cleared,
        id=id,
        created=EPOCH,
        expires_at=wanted.expires_at or whole_second(tx) + VALID_FOR,
        from_quote=of.shown(),
        series=source.series if of.is_revision else id,
        status=lifecycle.after(lifecycle.QUOTE, lifecycle.NEW, "create"),
    )
    params.check_expiry(tx, copy)
    lines = [
        one.item.but(id=new_id(LineItem.prefix), created=EPOCH, quote=id) for one in lines_of(tx, source)
    ]
    return insert(tx, QuoteDraft(copy, with_prices(tx, lines), customer_of(tx, source)))


#: Fields that a copy does not take over: they say what happened to the other quote.
NOT_COPIED = (
    "accepted_at",
    "canceled_at",
    "finalized_at",
    "invoice",
    "number",
    "revision",
    "sequence",
    "subscription",
    "subscription_schedule",
    "emitted",
)


def insert(tx: Tx, draft: QuoteDraft) -> Quote:
    """Insert a quote and its lines with calculated amounts, and set its expiry timer.

    Emits `quote.created`.
    """
    quote, items = totals.calculate(tx, rows.born(tx, draft.quote), draft.customer, draft.lines)
    inserted = rows.insert(tx, quote)
    rows.insert_many(tx, items)
    jobs.put(tx, "quote.expire", inserted.id, inserted.expires_at)
    return inserted


def whole_second(tx: Tx) -> datetime:
    return tx.now.replace(microsecond=0)


def customer_of(tx: Tx, quote: Quote) -> Customer | None:
    return rows.find(tx, Customer, quote.customer, deleted=True) if quote.customer else None


UPDATABLE = {"draft": None, "open": {"expires_at", "metadata"}}
"""The params that can be updated in each status (None: all of them); in any other status, only metadata."""


@Quote.update(Update)
def update(tx: Tx, quote: Quote, wanted: Update) -> Quote:
    """Update a draft; of a finalized quote, only `expires_at` and metadata can be updated."""
    allowed = UPDATABLE.get(quote.status, {"metadata"})
    frozen = sorted(set(wanted.sent()) - allowed) if allowed is not None else []
    if frozen:
        raise Refused(
            f"You cannot update `{frozen[0]}` of a quote whose status is `{quote.status}`.", param=frozen[0]
        )
    customer = customer_after(tx, quote, wanted)
    before = lines_of(tx, quote)
    after = params.apply_params(tx, quote, wanted, customer, before)
    if quote.status == "draft":
        return recalculate(tx, quote, after)
    return save(tx, quote, metadata=after.quote.metadata, expires_at=after.quote.expires_at)


def customer_after(tx: Tx, quote: Quote, wanted: Update) -> Customer | None:
    """Return the customer of a quote; it is set once and must be on the quote's test clock.

    Locks a new customer.
    """
    if wanted.customer in (None, quote.customer):
        return customer_of(tx, quote)
    require(quote.customer is None, "The customer of a quote cannot be changed.", param="customer")
    customer = rows.lock(tx, Customer, wanted.customer or "", param="customer")
    require(
        customer.test_clock == quote.test_clock,
        "The customer and the quote are not on the same test clock.",
        param="customer",
    )
    return customer


def recalculate(tx: Tx, before: Quote, draft: QuoteDraft, event: str = "updated", **changes: Any) -> Quote:
    """Calculate the amounts of a quote again, and write it with new lines."""
    after, items = totals.calculate(tx, draft.quote, draft.customer, draft.lines)
    rows.delete_where(tx, LineItem, "quote = %(id)s", id=before.id)
    rows.insert_many(tx, items)
    calculated = {name: getattr(after, name) for name in Quote.columns}
    return save(tx, before, event, **{**calculated, **changes})


def save(tx: Tx, before: Quote, event: str = "updated", **changes: Any) -> Quote:
    """Update a quote, and move its expiry timer if `expires_at` has changed."""
    after = rows.update(tx, before, event=event, **changes)
    if after.status in LIVING and after.expires_at != before.expires_at:
        jobs.put(tx, "quote.expire", after.id, after.expires_at)
    return after


@Quote.action("finalize", Finalize)
def finalize(tx: Tx, quote: Quote, wanted: Finalize) -> Quote:
    """Finalize a draft quote: it gets its number, and can be accepted until it expires."""
    status = lifecycle.after(lifecycle.QUOTE, quote.status, "finalize")
    priced = lines_of(tx, quote)
    require(quote.customer, "A quote must have a customer to be finalized.", param="customer")
    require(priced, "A quote must have at least one line item to be finalized.", param="line_items")
    require(
        quote.collection_method != "send_invoice" or quote.invoice_settings["days_until_due"] is not None,
        "If you are using `collection_method=send_invoice`, you must set `invoice_settings[days_until_due]`.",
        param="invoice_settings[days_until_due]",
    )
    customer = rows.find(tx, Customer, quote.customer or "", param="customer")
    currency.check_customer_currency(customer, quote.currency or "")
    after = quote.but(expires_at=wanted.expires_at or quote.expires_at)
    params.check_expiry(tx, after)
    sequence, revision = place_in_series(tx, quote)
    return recalculate(
        tx,
        quote,
        QuoteDraft(after, priced, customer),
        "finalized",
        finalized_at=whole_second(tx),
        number=numbering.quote_number(customer.invoice_prefix or "", sequence, revision),
        revision=revision,
        sequence=sequence,
        status=status,
    )


def place_in_series(tx: Tx, quote: Quote) -> tuple[int, int]:
    """Return the sequence and revision of a quote: the customer's next, or the next revision in its series.

    The customer is locked, so that numbers have no gap and none is given twice.
    """
    found = tx.one(
        "select max(sequence) filter (where series = %(series)s) as own,"
        " max(revision) filter (where series = %(series)s) as revision, max(sequence) as latest"
        " from quotes where customer = %(customer)s",
        series=quote.series,
        customer=quote.customer,
    )
    if found is None:
        raise Inconsistent("A query of aggregates has one row.")
    if found["own"]:
        return found["own"], found["revision"] + 1
    return (found["latest"] or 0) + 1, 1


@Quote.action("cancel")
def cancel(tx: Tx, quote: Quote) -> Quote:
    """Cancel a quote that was not accepted."""
    status = lifecycle.after(lifecycle.QUOTE, quote.status, "cancel")
    jobs.cancel(tx, "quote.expire", quote.id)
    return rows.update(tx, quote, event="canceled", canceled_at=whole_second(tx), status=status)


@job("quote.expire")
def expire(tx: Tx, refs: list[str]) -> None:
    """Cancel a quote that was not accepted in time; Stripe has no status of its own for it.

    Locks the quote.
    """
    [id] = refs
    quote = rows.lock(tx, Quote, id)
    if quote.status in LIVING and quote.expires_at <= tx.now:
        cancel(tx, quote)


@Quote.below("GET", "line_items", listing.Paging, of=Quote)
def line_items(tx: Tx, quote: Quote, wanted: listing.Paging) -> listing.Page:
    """List the lines of a quote: one full period of each recurring price, and the one-time prices."""
    where = Where("quote = %(quote)s", quote=quote.id)
    return listing.below(tx, LineItem, where, wanted, f"/v1/quotes/{quote.id}/line_items")


@Quote.below("GET", "computed_upfront_line_items", listing.Paging, of=Quote)
def upfront_line_items(tx: Tx, quote: Quote, wanted: listing.Paging) -> listing.Page:
    """List the lines as they will be on the first invoice: during a trial, recurring prices are free."""
    url = f"/v1/quotes/{quote.id}/computed_upfront_line_items"
    page = listing.below(tx, LineItem, Where("quote = %(quote)s", quote=quote.id), wanted, url)
    items = totals.upfront_lines(tx, quote, customer_of(tx, quote), lines_of(tx, quote))
    found = {item.id: item for item in items}
    return listing.Page([found[item.id] for item in page.rows], page.has_more, url)
