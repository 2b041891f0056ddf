"""Define the states of subscriptions, invoices and intents, and the actions between them."""

from collections.abc import Mapping

from billow.core.errors import Refused

NEW = "new"  # before the first state; no object ever shows it

Table = Mapping[tuple[str, str], str]

ENDED = ("canceled", "incomplete_expired")
"""A subscription in one of these never changes its status again."""
RENEWING = ("active", "past_due", "unpaid", "trialing")
"""The periods of a subscription follow each other."""
STARTED = ("active", "past_due", "unpaid")
"""A subscription that is billed, paid or not: neither in trial nor paused."""
PAYABLE = ("open", "uncollectible")
"""An invoice that can still be paid."""

# A missed payment changes nothing but an active subscription: the others are already in a worse state,
# in trial, or paused.
SUBSCRIPTION: Table = {
    (NEW, "activate"): "active",
    (NEW, "start_trial"): "trialing",
    (NEW, "await_payment"): "incomplete",
    ("incomplete", "activate"): "active",
    ("incomplete", "start_trial"): "trialing",
    ("incomplete", "miss_payment"): "incomplete",
    ("incomplete", "expire"): "incomplete_expired",
    ("incomplete", "cancel"): "canceled",
    ("trialing", "activate"): "active",
    ("trialing", "start_trial"): "trialing",
    ("trialing", "miss_payment"): "trialing",
    ("trialing", "pause"): "paused",
    ("trialing", "cancel"): "canceled",
    ("active", "activate"): "active",
    ("active", "start_trial"): "trialing",
    ("active", "miss_payment"): "past_due",
    ("active", "mark_unpaid"): "unpaid",
    ("active", "pause"): "paused",
    ("active", "cancel"): "canceled",
    ("past_due", "activate"): "active",
    ("past_due", "miss_payment"): "past_due",
    ("past_due", "mark_unpaid"): "unpaid",
    ("past_due", "pause"): "paused",
    ("past_due", "cancel"): "canceled",
    ("unpaid", "activate"): "active",
    ("unpaid", "miss_payment"): "unpaid",
    ("unpaid", "mark_unpaid"): "unpaid",
    ("unpaid", "pause"): "paused",
    ("unpaid", "cancel"): "canceled",
    ("paused", "resume"): "active",
    ("paused", "miss_payment"): "paused",
    ("paused", "cancel"): "canceled",
}

# A draft is deleted, not voided: it has no number yet that must be accounted for.
INVOICE: Table = {
    (NEW, "create"): "draft",
    ("draft", "finalize"): "open",
    ("draft", "delete"): "deleted",
    ("open", "pay"): "paid",
    ("open", "miss_payment"): "open",
    ("open", "send"): "open",
    ("open", "void"): "void",
    ("open", "mark_uncollectible"): "uncollectible",
    # A payment by bank can come back after it was booked.
    ("paid", "reopen"): "open",
    ("uncollectible", "pay"): "paid",
    ("uncollectible", "miss_payment"): "uncollectible",
    ("uncollectible", "void"): "void",
}

SCHEDULE: Table = {
    (NEW, "plan"): "not_started",
    (NEW, "begin"): "active",
    ("not_started", "begin"): "active",
    ("not_started", "release"): "released",
    ("not_started", "cancel"): "canceled",
    ("active", "complete"): "completed",
    ("active", "release"): "released",
    ("active", "cancel"): "canceled",
}

# While processing, money may be on its way: there is no cancel until the gateway has answered.
PAYMENT_INTENT: Table = {
    (NEW, "create"): "requires_payment_method",
    (NEW, "create_with_method"): "requires_confirmation",
    ("requires_payment_method", "attach_method"): "requires_confirmation",
    ("requires_payment_method", "confirm"): "processing",
    ("requires_payment_method", "cancel"): "canceled",
    ("requires_confirmation", "attach_method"): "requires_confirmation",
    ("requires_confirmation", "confirm"): "processing",
    ("requires_confirmation", "cancel"): "canceled",
    ("processing", "succeed"): "succeeded",
    ("processing", "authorize"): "requires_capture",
    ("processing", "require_action"): "requires_action",
    ("processing", "fail"): "requires_payment_method",
    ("requires_action", "attach_method"): "requires_confirmation",
    ("requires_action", "confirm"): "processing",
    ("requires_action", "succeed"): "succeeded",
    ("requires_action", "authorize"): "requires_capture",
    ("requires_action", "fail"): "requires_payment_method",
    ("requires_action", "cancel"): "canceled",
    ("requires_capture", "capture"): "succeeded",
    ("requires_capture", "cancel"): "canceled",
}

SETUP_INTENT: Table = {
    (NEW, "create"): "requires_payment_method",
    (NEW, "create_with_method"): "requires_confirmation",
    ("requires_payment_method", "attach_method"): "requires_confirmation",
    ("requires_payment_method", "confirm"): "processing",
    ("requires_payment_method", "cancel"): "canceled",
    ("requires_confirmation", "attach_method"): "requires_confirmation",
    ("requires_confirmation", "confirm"): "processing",
    ("requires_confirmation", "cancel"): "canceled",
    ("processing", "succeed"): "succeeded",
    ("processing", "require_action"): "requires_action",
    ("processing", "fail"): "requires_payment_method",
    ("requires_action", "attach_method"): "requires_confirmation",
    ("requires_action", "confirm"): "processing",
    ("requires_action", "succeed"): "succeeded",
    ("requires_action", "fail"): "requires_payment_method",
    ("requires_action", "cancel"): "canceled",
}

# What is offered is changed as a draft, and holds when it is open; what has expired is canceled.
QUOTE: Table = {
    (NEW, "create"): "draft",
    ("draft", "finalize"): "open",
    ("draft", "cancel"): "canceled",
    ("open", "accept"): "accepted",
    ("open", "cancel"): "canceled",
}


def after(table: Table, state: str, action: str) -> str:
    """Return the state after an action; raise Refused when the state does not allow it."""
    if (state, action) not in table:
        code = "payment_intent_unexpected_state" if table is PAYMENT_INTENT else None
        raise Refused(f"The status '{state}' does not allow the action '{action}'.", code=code)
    return table[state, action]


def states(table: Table) -> frozenset[str]:
    """Return every state that an object can have."""
    return (frozenset(state for state, _ in table) | frozenset(table.values())) - {NEW}


def reachable(table: Table, start: str) -> frozenset[str]:
    """Return every state that some sequence of actions leads to, with the start itself unless it is NEW."""
    found, grown = frozenset[str](), frozenset({start})
    while found != grown:
        found, grown = grown, grown | {to for (state, _), to in table.items() if state in grown}
    return found - {NEW}
