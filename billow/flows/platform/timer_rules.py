"""Say which timers the state of each row implies, for the repair of those that are missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from billow.api.fields import instant
from billow.core import holds, lifecycle, payouts, timers
from billow.flows.bank import cash_refunds
from billow.flows.billing import drafts
from billow.flows.checkout import completion, method_collections
from billow.flows.outside import merchant
from billow.flows.payments import collect, late_payments, notices
from billow.store import jobs

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WrongTimer:
    """A timer that the state of its row implies, and that is missing or set to another time or clock."""

    kind: str
    ref: str
    clock: str
    at: datetime
    certain: bool
    """Whether it is wrong for certain: a reminder may be missing by an earlier setting of the account."""
    set_to: tuple[str, datetime] | None = None
    """The clock and the time that it is set to; None if there is no timer."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The rows that may need a timer of a kind, and the function that decides it.

    In SQL `r` is the row and `c` its test clock. `state` is the columns that `due` reads beside `now`;
    `may_need` is the condition that leaves out rows which need no timer. With `early` the timer may also be
    set earlier, or on the wall clock, because a request or a setting of the account asked for it.
    """

    kind: str
    table: str
    state: str
    may_need: str
    due: Callable[[Row], datetime | None]
    joins: str = "left join test_clocks c on c.id = r.test_clock"
    clock: str = "r.test_clock"
    certain: bool = True
    early: bool = False

    def sql(self, moved: bool) -> str:
        """Return the query of rows without the timer; with `moved` also of those whose timer can be compared.

        It leaves out rows on a test clock that is advancing, since their time is not the clock's.
        """
        return (
            f"select r.id, coalesce({self.clock}, 'wall') as clock, coalesce(c.frozen_time, %(wall)s) as now,"
            f" j.clock as set_on, j.run_at as set_at, {self.state} from {self.table} r {self.joins}"
            " left join jobs j on j.tenant = %(tenant)s and j.kind = %(kind)s and j.ref = r.id"
            f" where r.id > %(after)s and ({self.may_need})"
            f" and ({self.clock} is null or c.status <> 'advancing')"
            f" and (j.ref is null{f' or ({COMPARED})' if moved else ''}) order by r.id limit %(piece)s"
        )

    def compare(self, row: Row, wall: datetime) -> WrongTimer | None:
        """Compare the timer of a row with what its state implies; return it if it is wrong."""
        due = self.due(row)
        if due is None or (row["set_at"] and self._is_right(row, due, wall)):
            return None
        set_to = (row["set_on"], row["set_at"]) if row["set_at"] else None
        return WrongTimer(self.kind, row["id"], row["clock"], due, self.certain or set_to is not None, set_to)

    def _is_right(self, row: Row, due: datetime, wall: datetime) -> bool:
        if row["set_on"] != row["clock"]:
            return self.early and row["set_on"] == "wall" and row["set_at"] <= wall + timers.POSTPONED
        if not self.certain:
            # The account's setting may have been different: only the date of the event is certain.
            due += timedelta(days=row["days"])
        return timers.agrees(row["set_at"], due, row["now"], self.early)


COMPARED = (
    "not j.parked and (j.tries = 0 and j.waiting_since is null or j.clock = 'wall' and j.run_at > %(late)s)"
)
"""Timers whose time can be compared with the state: not those that are soon tried again after a failure."""
ITS_CUSTOMERS = (
    "left join customers k on k.id = r.customer left join test_clocks c on c.id = k.test_clock",
    "k.test_clock",
)
ON_THE_WALL = ("cross join (select null::timestamptz as frozen_time, 'ready' as status) c", "null::text")
PROPOSAL = (
    "left join test_clocks c on c.id = r.test_clock join invoices i on i.id = r.pending_change->>'invoice'"
)


def listed(values: Sequence[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


LIVING = f"r.status in ({listed(timers.RUNNING)})"
PERIOD_END = (
    "r.status, r.cancel_at, (select min(i.current_period_end) from subscription_items i"
    " where i.subscription = r.id) as period_end"
)


def renewal(row: Row) -> datetime | None:
    return timers.renewal(row["status"], row["period_end"], row["cancel_at"], row["now"])


def upcoming(row: Row) -> datetime | None:
    return timers.ahead(renewal(row), timedelta(days=row["days"]), row["now"])


def collection(row: Row) -> datetime | None:
    known = timers.Collection(
        row["finalized_at"], row["attempted"], row["next_payment_attempt"], row["intent"]
    )
    return timers.collection(known, row["now"])


def recognition(row: Row) -> datetime | None:
    columns = (row[name] for name in ("nets", "earned", "starts", "ends"))
    lines = [timers.Earning(*values) for values in zip(*columns, strict=True)]
    return timers.recognition(lines, row["now"], ZoneInfo(row["zone"] or "UTC"))


def phase(row: Row) -> datetime | None:
    """Return the end of the current phase, or the start of the first one."""
    return instant((row["current_phase"] or {}).get("end_date") or row["phases"][0]["start_date"])


def expiring(row: Row) -> datetime | None:
    return timers.ahead(instant(row["phases"][-1]["end_date"]), timers.SCHEDULE_NOTICE, row["now"])


def resumption_expires(row: Row) -> datetime | None:
    """Return when an unpaid resumption expires: now if the subscription has ended."""
    requested = instant(row["asked"])
    return (
        row["now"]
        if row["status"] in lifecycle.ENDED or requested is None
        else requested + timers.FIRST_PAYMENT
    )


SUBSCRIPTIONS = (
    Rule("subscription.renew", "subscriptions", PERIOD_END, LIVING, renewal),
    Rule(
        "subscription.end",
        "subscriptions",
        "r.status, r.cancel_at",
        "r.cancel_at is not null",
        lambda row: timers.end(row["status"], row["cancel_at"]),
    ),
    Rule(
        "subscription.upcoming",
        "subscriptions",
        f"{PERIOD_END}, %(upcoming_days)s::int as days",
        LIVING,
        upcoming,
        certain=False,
        early=True,
    ),
    Rule(
        "subscription.trial_will_end",
        "subscriptions",
        "r.status, r.trial_end",
        "r.status in ('trialing', 'incomplete') and r.trial_end is not null",
        lambda row: timers.trial_warning(row["status"], row["trial_end"], row["now"]),
    ),
    Rule(
        "subscription.expire",
        "subscriptions",
        "r.created",
        "r.status = 'incomplete'",
        lambda row: row["created"] + timers.FIRST_PAYMENT,
        early=True,
    ),
    Rule(
        "subscription.resume_collection",
        "subscriptions",
        "r.pause_collection->'resumes_at' as resumes_at",
        f"r.pause_collection->>'resumes_at' is not null and r.status not in ({listed(lifecycle.ENDED)})",
        lambda row: instant(row["resumes_at"]),
    ),
    Rule(
        "subscription.pending_items",
        "subscriptions",
        "r.next_pending_invoice_item_invoice as at",
        f"r.next_pending_invoice_item_invoice is not null and r.status not in ({listed(lifecycle.ENDED)})",
        lambda row: row["at"],
    ),
    Rule(
        "subscription.pending_update_expires",
        "subscriptions",
        "r.pending_update->'expires_at' as expires_at",
        "r.pending_change->>'job' = 'subscription.pending_update_paid'"
        " and i.status in ('open', 'uncollectible')",
        lambda row: instant(row["expires_at"]),
        PROPOSAL,
    ),
    Rule(
        "subscription.pending_update_paid",
        "subscriptions",
        "r.status",
        "r.pending_change->>'job' = 'subscription.pending_update_paid' and i.status = 'paid'",
        lambda row: row["now"],
        PROPOSAL,
        early=True,
    ),
    Rule(
        "subscription.resume_expires",
        "subscriptions",
        "r.status, r.pending_change->'now' as asked",
        "r.pending_change->>'job' = 'subscription.resume_paid' and i.status = 'open'",
        resumption_expires,
        PROPOSAL,
    ),
    Rule(
        "subscription.resume_paid",
        "subscriptions",
        "r.status",
        "r.pending_change->>'job' = 'subscription.resume_paid' and r.status = 'paused'"
        " and i.status in ('paid', 'uncollectible')",
        lambda row: row["now"],
        PROPOSAL,
        early=True,
    ),
)
CREDITS = (
    Rule(
        "credit_grant.expire",
        "credit_grants",
        "r.expires_at as at",
        "r.expires_at is not null and r.balance > 0",
        lambda row: row["at"],
    ),
)
UNEARNED = (
    "(select array_agg({0} order by l.id) from invoice_lines l"
    " where l.invoice = r.id and l.net <> l.credited and l.kind <> 'prepaid') as {1}"
)
INVOICES = (
    Rule(
        "invoice.finalize",
        "invoices",
        "r.automatically_finalizes_at as at",
        "r.status = 'draft' and r.automatically_finalizes_at is not null",
        lambda row: row["at"],
    ),
    Rule(
        "invoice.collect",
        "invoices",
        "r.finalized_at, r.attempted, r.next_payment_attempt,"
        " (select p.status from payment_intents p where p.id = r.payment_intent) as intent",
        "r.status = 'open' and r.auto_advance and r.collection_method = 'charge_automatically'"
        " and r.amount_due > 0 and (r.next_payment_attempt is not null or not r.attempted)",
        collection,
        early=True,
    ),
    Rule(
        "invoice.overdue",
        "invoices",
        "r.due_date as at",
        "r.status = 'open' and r.due_date is not null and (r.due_date > coalesce(c.frozen_time, %(wall)s)"
        " or (exists (select from events e where e.related = r.id and e.type = 'invoice.finalized')"
        " and not exists (select from events e where e.related = r.id and e.type = 'invoice.overdue')))",
        lambda row: row["at"],
    ),
    Rule(
        "invoice.will_be_due",
        "invoices",
        "r.due_date, %(will_be_due_days)s::int as days",
        "r.status = 'open' and r.due_date is not null",
        lambda row: timers.ahead(row["due_date"], timedelta(days=row["days"]), row["now"]),
        certain=False,
        early=True,
    ),
    Rule(
        "invoice.remind",
        "invoices",
        f"r.due_date, {merchant.MOST_DAYS} as days, (select s.reminder_days from merchant_settings s) as own",
        "r.status = 'open' and r.auto_advance and r.due_date <= coalesce(c.frozen_time, %(wall)s)",
        lambda row: timers.reminder(row["due_date"], row["own"] or merchant.REMINDER_DAYS, row["now"]),
        certain=False,
        early=True,
    ),
    Rule(
        "revenue.recognize",
        "invoices",
        ", ".join(
            UNEARNED.format(column, name)
            for column, name in (
                ("l.net - l.credited", "nets"), ("l.earned", "earned"), ("l.period_start", "starts"),
                ("l.period_end", "ends"),
            )
        )
        + ", (select a.seller ->> 'time_zone' from accounts a"
        " where a.id = split_part(r.tenant, '/', 1)) as zone",
        "r.status in ('open', 'paid', 'uncollectible') and exists (select from invoice_lines l"
        " where l.invoice = r.id and l.net <> l.credited + l.earned and l.kind <> 'prepaid')",
        recognition,
    ),
)  # fmt: skip
PLANNED = "r.status in ('active', 'not_started')"
OTHERS = (
    Rule("schedule.phase", "subscription_schedules", "r.current_phase, r.phases", PLANNED, phase),
    Rule("schedule.expiring", "subscription_schedules", "r.phases", PLANNED, expiring),
    Rule(
        "checkout.expire", "checkout_sessions", "r.expires_at as at", "r.status = 'open'", lambda r: r["at"]
    ),
    Rule(
        "checkout.settle", "checkout_sessions", "r.attempt_until as at",
        "r.status = 'open' and (r.attempt_until is not null or r.pending->>'awaits' is not null)",
        lambda row: row["at"] or row["now"] + completion.AGAIN, *ON_THE_WALL, early=True,
    ),
    Rule(
        "checkout.follow", "checkout_sessions", "r.status",
        "r.status = 'complete' and r.payment_status = 'unpaid' and exists (select from payment_intents p"
        " where p.id = coalesce(r.payment_intent,"
        " (select i.payment_intent from invoices i where i.id = r.invoice))"
        " and (p.status in ('processing', 'succeeded') or p.status = 'requires_capture'"
        " and (r.invoice_creation->>'enabled')::boolean))",
        lambda row: row["now"] + completion.HELD, early=True,
    ),
    Rule(
        "collection.follow", "method_collections", "r.created as at", "r.state = 'open'",
        lambda row: row["at"] + method_collections.LASTS, *ON_THE_WALL, early=True,
    ),
    Rule(
        "quote.expire", "quotes", "r.expires_at as at", "r.status in ('draft', 'open')", lambda row: row["at"]
    ),
    Rule(
        "quote.emit_accepted",
        "quotes",
        "r.accepted_at as at",
        "r.status = 'accepted' and not r.emitted",
        lambda row: row["at"] + drafts.GRACE,
    ),
    Rule(
        "charge.expire",
        "charges",
        "r.created as at, (r.payment_method_details->'card'->>'capture_before')::bigint as until",
        "r.status = 'succeeded' and not r.captured and (r.amount_captured > 0 or not exists"
        " (select from refunds f where f.charge = r.id))",
        lambda row: datetime.fromtimestamp(row["until"], UTC) if row["until"] else row["at"] + holds.HELD,
        *ITS_CUSTOMERS,
    ),
    Rule(
        late_payments.RETURN,
        "charges",
        "r.status",
        "r.late_for is not null and r.status = 'succeeded' and not r.disputed and not exists"
        " (select from refunds f where f.charge = r.id and f.status not in ('succeeded'))"
        " and r.amount_refunded < r.amount",
        lambda row: row["now"],
        *ON_THE_WALL,
        early=True,
    ),
    Rule(
        "attempt.resolve",
        "attempts",
        "exists (select from charges h where h.id = r.charge and h.status = 'pending'"
        " and r.payment_intent is not null) as pending",
        "r.state = 'processing'",
        lambda row: row["now"] + (collect.PENDING if row["pending"] else collect.RESOLVE),
        *ON_THE_WALL,
        early=True,
    ),
    Rule(
        "attempt.follow",
        "attempts",
        "r.state",
        "r.state = 'requires_action' and exists (select from payment_intents p"
        " where p.id = r.payment_intent and p.status = 'requires_action')",
        lambda row: row["now"] + notices.ASKED_AGAIN,
        *ON_THE_WALL,
        early=True,
    ),
    Rule(
        "payout.advance",
        "payouts",
        "r.status, r.created, r.arrival_date",
        "r.status in ('pending', 'in_transit') and r.reference is null and not r.sent_back",
        lambda row: payouts.due(row["status"], row["created"], row["arrival_date"]),
        *ON_THE_WALL,
    ),
    Rule(
        "portal.resume", "subscriptions", "r.resumes_at as at",
        "r.status = 'paused' and r.resumes_at is not null", lambda row: row["at"],
    ),
    Rule(
        "promotion_code.expire",
        "promotion_codes",
        "r.expires_at as at",
        "r.active and r.expires_at is not null",
        lambda row: row["at"],
        *ITS_CUSTOMERS,
    ),
    Rule(
        "refund.expire", "refunds", "r.created as at", "r.charge is null and r.status = 'requires_action'",
        lambda row: row["at"] + cash_refunds.ANSWERED_WITHIN, *ITS_CUSTOMERS,
    ),
    Rule(
        "refund.pretend", "refunds", "r.created as at",
        "r.charge is null and r.status = 'pending' and r.send_to = 'pretended'",
        lambda row: row["at"], *ITS_CUSTOMERS, early=True,
    ),
    Rule(
        "tax_id.verify",
        "tax_ids",
        "r.created as at",
        "r.verification->>'status' = 'pending'",
        lambda row: row["at"],
        *ITS_CUSTOMERS,
        early=True,
    ),
    Rule(
        "report_run.answer",
        "report_runs",
        "r.status",
        "r.status = 'pending'",
        lambda row: row["now"],
        *ON_THE_WALL,
        early=True,
    ),
    Rule(
        "test_clock.advance",
        "test_clocks",
        "r.status",
        "r.status = 'advancing'",
        lambda row: row["now"],
        *ON_THE_WALL,
        early=True,
    ),
    Rule(
        jobs.CATCH_UP,
        "test_clocks",
        "r.status",
        "r.status <> 'advancing' and exists (select from jobs d where d.tenant = %(tenant)s"
        " and d.clock = r.id and d.run_at <= r.frozen_time and not d.parked)",
        lambda row: row["now"],
        *ON_THE_WALL,
        early=True,
    ),
)  # fmt: skip
RULES = (*SUBSCRIPTIONS, *INVOICES, *CREDITS, *OTHERS)
"""In this order, since the last rule reads timers that the others set."""
