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
from billow.flows.quotes.lines import present, priced
from billow.flows.quotes.params import Create, Drawn, Update
from billow.resources.customer import Customer
from billow.resources.line_item import LineItem
from billow.resources.quote import LIVING, FromQuote, Quote
from billow.resources.test_clock import TestClock
from billow.store import clocks, jobs
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.tx import Tx

LASTS = timedelta(days=30)
"""So long a quote holds where nothing else is said."""
ON_A_CLOCK = 10
"""So many quotes without a customer a test clock may have (§11)."""


class Finalize(Params):
    expires_at: datetime | None = f.timestamp()


@Quote.create(Create)
def create(tx: Tx, wanted: Create) -> Quote:
    """Draw up a quote: of what is sent, or as a copy of another."""
    if wanted.from_quote:
        return clone(tx, wanted, wanted.from_quote)
    customer = rows.lock(tx, Customer, wanted.customer, param="customer") if wanted.customer else None
    tx = clocks.enter(tx, clock_of(tx, wanted, customer))
    id = new_id(Quote.prefix)
    blank = Quote(id=id, series=id, expires_at=whole(tx) + LASTS)
    return write(tx, params.drawn(tx, blank, wanted, customer, []))


def clock_of(tx: Tx, wanted: Create, customer: Customer | None) -> str | None:
    """The clock of its customer, or for one without customer the clock that is named."""
    if wanted.test_clock is None:
        return customer.test_clock if customer else None
    rows.find(tx, TestClock, wanted.test_clock, param="test_clock")
    require(
        customer is None or customer.test_clock == wanted.test_clock,
        "The customer is not attached to this test clock.",
        param="test_clock",
    )
    there = rows.select(tx, Quote, "test_clock = %(id)s and customer is null", id=wanted.test_clock)
    require(
        customer is not None or len(there) < ON_A_CLOCK,
        f"A test clock can have at most {ON_A_CLOCK} quotes without a customer.",
        param="test_clock",
    )
    return wanted.test_clock


def clone(tx: Tx, wanted: Create, of: FromQuote) -> Quote:
    """A draft like another quote; a revision is in its series, of which only one can be accepted."""
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
    bare = {name: getattr(Quote(), name) for name in OF_ITS_OWN}
    copy = source.but(
        **bare,
        id=id,
        created=EPOCH,
        expires_at=wanted.expires_at or whole(tx) + LASTS,
        from_quote=of.shown(),
        series=source.series if of.is_revision else id,
        status=lifecycle.after(lifecycle.QUOTE, lifecycle.NEW, "create"),
    )
    params.check_expiry(tx, copy)
    lines = [one.item.but(id=new_id(LineItem.prefix), created=EPOCH, quote=id) for one in present(
             tx, source)]  # fmt: skip
    return write(tx, Drawn(copy, priced(tx, lines), customer_of(tx, source)))


#: What another quote came to has nothing to do with its copy.
OF_ITS_OWN = (
    "accepted_at",
    "canceled_at",
    "finalized_at",
    "invoice",
    "number",
    "revision",
    "sequence",
    "subscription",
    "subscription_schedule",
    "told",
)


def write(tx: Tx, drawn: Drawn) -> Quote:
    quote, items = totals.reckoned(tx, rows.born(tx, drawn.quote), drawn.customer, drawn.offered)
    made = rows.insert(tx, quote)
    rows.insert_many(tx, items)
    jobs.put(tx, "quote.expire", made.id, made.expires_at)
    return made


def whole(tx: Tx) -> datetime:
    return tx.now.replace(microsecond=0)


def customer_of(tx: Tx, quote: Quote) -> Customer | None:
    return rows.find(tx, Customer, quote.customer, deleted=True) if quote.customer else None


ALWAYS = {"draft": None, "open": {"expires_at", "metadata"}}
"""What may be changed in each state: all, or these; when it has ended, only metadata."""


@Quote.update(Update)
def update(tx: Tx, quote: Quote, wanted: Update) -> Quote:
    """Change a draft; what is finalized holds as it was shown, and only its end and metadata change."""
    allowed = ALWAYS.get(quote.status, {"metadata"})
    frozen = sorted(set(wanted.sent()) - allowed) if allowed is not None else []
    if frozen:
        raise Refused(
            f"You cannot update `{frozen[0]}` of a quote whose status is `{quote.status}`.", param=frozen[0]
        )
    customer = named_customer(tx, quote, wanted)
    before = present(tx, quote)
    now = params.drawn(tx, quote, wanted, customer, before)
    if quote.status == "draft":
        return rewrite(tx, quote, now)
    return reschedule(tx, quote, metadata=now.quote.metadata, expires_at=now.quote.expires_at)


def named_customer(tx: Tx, quote: Quote, wanted: Update) -> Customer | None:
    """The customer is named once, and lives on the clock of the quote."""
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


def rewrite(tx: Tx, before: Quote, now: Drawn, event: str = "updated", **changes: Any) -> Quote:
    """Write a draft anew, reckoned again, with its lines."""
    after, items = totals.reckoned(tx, now.quote, now.customer, now.offered)
    tx.run("delete from line_items where quote = %(id)s", id=before.id)
    rows.insert_many(tx, items)
    wanted = {name: getattr(after, name) for name in Quote.columns}
    return reschedule(tx, before, event, **{**wanted, **changes})


def reschedule(tx: Tx, before: Quote, event: str = "updated", **changes: Any) -> Quote:
    after = rows.update(tx, before, event=event, **changes)
    if after.status in LIVING and after.expires_at != before.expires_at:
        jobs.put(tx, "quote.expire", after.id, after.expires_at)
    return after


@Quote.action("finalize", Finalize)
def finalize(tx: Tx, quote: Quote, wanted: Finalize) -> Quote:
    """From now on it holds: it gets its number, and can be accepted until it expires."""
    status = lifecycle.after(lifecycle.QUOTE, quote.status, "finalize")
    offered = present(tx, quote)
    require(quote.customer, "A quote must have a customer to be finalized.", param="customer")
    require(offered, "A quote must have at least one line item to be finalized.", param="line_items")
    require(
        quote.collection_method != "send_invoice" or quote.invoice_settings["days_until_due"] is not None,
        "If you are using `collection_method=send_invoice`, you must set `invoice_settings[days_until_due]`.",
        param="invoice_settings[days_until_due]",
    )
    customer = rows.find(tx, Customer, quote.customer or "", param="customer")
    currency.check_customer_currency(customer, quote.currency or "")
    now = quote.but(expires_at=wanted.expires_at or quote.expires_at)
    params.check_expiry(tx, now)
    sequence, revision = place_in_series(tx, quote)
    return rewrite(
        tx,
        quote,
        Drawn(now, offered, customer),
        "finalized",
        finalized_at=whole(tx),
        number=numbering.quote_number(customer.invoice_prefix or "", sequence, revision),
        revision=revision,
        sequence=sequence,
        status=status,
    )


def place_in_series(tx: Tx, quote: Quote) -> tuple[int, int]:
    """The next quote of the customer, who is locked, or the next revision of one: no gap, no race."""
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
    """Call a quote off that was not accepted."""
    status = lifecycle.after(lifecycle.QUOTE, quote.status, "cancel")
    jobs.cancel(tx, "quote.expire", quote.id)
    return rows.update(tx, quote, event="canceled", canceled_at=whole(tx), status=status)


@job("quote.expire")
def expire(tx: Tx, refs: list[str]) -> None:
    """What was not accepted in time is canceled; Stripe has no word of its own for it."""
    [id] = refs
    quote = rows.lock(tx, Quote, id)
    if quote.status in LIVING and quote.expires_at <= tx.now:
        cancel(tx, quote)


@Quote.below("GET", "line_items", listing.Paging, of=Quote)
def line_items(tx: Tx, quote: Quote, wanted: listing.Paging) -> listing.Page:
    """The lines of a quote: a full period of what recurs, and what is bought once."""
    where = Where("quote = %(quote)s", quote=quote.id)
    return listing.below(tx, LineItem, where, wanted, f"/v1/quotes/{quote.id}/line_items")


@Quote.below("GET", "computed_upfront_line_items", listing.Paging, of=Quote)
def upfront_line_items(tx: Tx, quote: Quote, wanted: listing.Paging) -> listing.Page:
    """The lines as they will be on the first invoice: in a trial what recurs is free."""
    url = f"/v1/quotes/{quote.id}/computed_upfront_line_items"
    page = listing.below(tx, LineItem, Where("quote = %(quote)s", quote=quote.id), wanted, url)
    reckoned = totals.upfront(tx, quote, customer_of(tx, quote), present(tx, quote))
    found = {item.id: item for item in reckoned}
    return listing.Page([found[item.id] for item in page.rows], page.has_more, url)
