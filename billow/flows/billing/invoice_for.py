"""Make the invoice of a subscription: its periods, their usage, and its pending items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.flows.billing import billing_periods, drafts, metered_usage, pending_items
from billow.flows.billing.billing_periods import Key
from billow.flows.billing.drafts import Draft
from billow.flows.billing.lines import Period, lines_of
from billow.resources.billing_period import BillingPeriod
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Subject:
    """A subscription, and what an invoice is to bill of it."""

    subscription: Subscription
    customer: Customer
    periods: Sequence[Period] = ()
    closed: bool = True
    """Whether it bills usage of periods that a change has closed, and that no invoice bills yet."""
    pending: bool = True
    """Whether it bills pending invoice items."""
    counted_until: datetime | None = None
    """Until when the usage of the periods is measured, if not their end."""


@dataclass(frozen=True, slots=True)
class Charges:
    """What an invoice bills: lines of periods, and pending invoice items."""

    subject: Subject
    closed: Sequence[BillingPeriod]
    periods: Sequence[Period]
    """The periods of `closed` first, then those of the subject."""
    used: Mapping[Key, Decimal]
    lines: list[InvoiceLine]
    items: list[InvoiceItem]

    @property
    def empty(self) -> bool:
        return not self.lines and not self.items


def charges_for(tx: Tx, subject: Subject) -> Charges:
    """Find what there is to bill for one subscription."""
    return charges_for_many(tx, [subject])[0]


def charges_for_many(tx: Tx, subjects: Sequence[Subject]) -> list[Charges]:
    """Find what there is to bill for each subscription; the number of statements does not grow with theirs.

    A pending item goes to the first of its customer's subscriptions that can bill it.
    """
    closed = billing_periods.unbilled(tx, ids) if (ids := ids_of(subjects, "closed")) else {}
    late = billing_periods.periods_of(tx, [one for some in closed.values() for one in some])
    late_of: dict[str, list[Period]] = {}
    for period in late:
        late_of.setdefault(period.part.item.subscription, []).append(period)
    owners = {one.subscription.id: one.customer.id for one in subjects}
    used = metered_usage.measure(tx, [*late, *(p for one in subjects for p in measurable(one))], owners)
    takers = [one.customer.id for one in subjects if one.pending]
    pending = pending_items.pending_items(tx, takers) if takers else {}
    found = []
    for one in subjects:
        id, customer = one.subscription.id, one.customer.id
        periods = [*late_of.get(id, []), *one.periods]
        lines = [
            line
            for period in periods
            for line in lines_of(period, customer, used.get((period.part.item.id, period.start)))
        ]
        currency = one.subscription.currency
        items = pending_items.take(pending, customer, id, currency) if one.pending else []
        found.append(Charges(one, closed.get(id, []), periods, used, lines, items))
    return found


def ids_of(subjects: Sequence[Subject], wanted: str) -> list[str]:
    """Return the ids of the subscriptions that bill closed periods."""
    return [one.subscription.id for one in subjects if getattr(one, wanted)]


def measurable(subject: Subject) -> list[Period]:
    """Return the periods of a subject, shortened to the time whose usage is measured."""
    until = subject.counted_until
    return [replace(period, end=until) for period in subject.periods] if until else list(subject.periods)


def draft_for(tx: Tx, charges: Charges, *, waits_an_hour: bool, **fields: Any) -> Draft:
    """Make the draft that bills these charges; its totals are calculated when it is written.

    With `waits_an_hour` it is finalized automatically after that. `fields` replace those of the subscription.
    """
    subject = charges.subject
    fields = {
        **finalization(tx, waits_an_hour=waits_an_hour),
        **drafts.subscription_fields(subject.subscription),
        "statement_descriptor": statement_of(charges),
        **fields,
    }
    draft = drafts.draft(tx, subject.customer, charges.lines, charges.items, **fields)
    draft.closed, draft.periods = charges.closed, charges.periods
    return draft


def statement_of(charges: Charges) -> str | None:
    """Return what the product of the first item says on a card's statement."""
    periods = charges.subject.periods
    return periods[0].part.product.statement_descriptor if periods else None


def finalization(tx: Tx, *, waits_an_hour: bool) -> dict[str, Any]:
    """Return the fields that say when a draft is finalized: automatically in an hour, or by its flow."""
    return {
        "auto_advance": waits_an_hour,
        "automatically_finalizes_at": tx.now + drafts.GRACE if waits_an_hour else None,
    }


def write(tx: Tx, draft: Draft, *, proposed: bool = False) -> Invoice:
    """Write a draft and, if it waits an hour, the timer that finalizes it. Emits `invoice.created`.

    A proposal bills no period yet (flows/billing/drafts.py).
    """
    [invoice] = drafts.write(tx, [draft], proposed=proposed)
    if invoice.automatically_finalizes_at:
        jobs.put(tx, "invoice.finalize", invoice.id, invoice.automatically_finalizes_at)
    return invoice
