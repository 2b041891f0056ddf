"""Find the dunning policy of a payment: what the subscription says, the merchant, or the installation."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from billow.core.dunning import CLASSES, FINALLY, INVOICE_FINALLY, WINDOWS, Policy, Preference, waits_of
from billow.core.errors import Refused, require
from billow.flows.outside.merchant import changed, merchant_of, store
from billow.flows.outside.outside import outside_of
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store.tx import Tx

log = logging.getLogger("billow.payments")
AFTER = "billow_after_retries"
"""The metadata of a subscription that says what follows its last retry: cancel, unpaid or past_due."""
INVOICE_AFTER = "billow_invoice_after_retries"
"""The metadata of a subscription, or of an invoice without one, that says it of the invoice: open or
uncollectible."""
MOST_RETRIES, MOST_DAYS = 12, 90


def policy_of(
    tx: Tx, subscription: Subscription | None, invoice: Invoice | None = None, kind: str = "soft"
) -> Policy:
    """Return the policy of a payment of a subscription or invoice, after a decline of this class."""
    own, base = merchant_of(tx).retries, outside_of(tx).dunning
    schedules = own.get("schedules", {})
    schedule = schedules.get(kind) or schedules.get("soft")
    about = (subscription.metadata if subscription else invoice.metadata if invoice else None) or {}
    after = chosen(about, AFTER, FINALLY) or own.get("after")
    invoice_after = chosen(about, INVOICE_AFTER, INVOICE_FINALLY) or own.get("invoice_after")
    prefers = Preference(tuple(own.get("paydays", ())), bool(own.get("habits")))
    return Policy(
        waits_of(days_of(schedule)) if schedule else base.waits,
        FINALLY[after] if after else base.finally_,
        INVOICE_FINALLY[invoice_after] if invoice_after else base.writes_off,
        prefers if kind != "hard" and (prefers.paydays or prefers.habits) else base.prefers,
    )


def days_after(tx: Tx, kind: str) -> list[int]:
    """Return the days after the first failure on which a class of declines is tried again."""
    days, found = 0, []
    for wait in policy_of(tx, None, kind=kind).waits:
        days += wait.days
        found.append(days)
    return found


def change(tx: Tx, wanted: Mapping[str, Any]) -> None:
    """Store some of the settings of retries, after checking them; schedules are by class of declines."""
    now = merchant_of(tx)
    schedules = {**now.retries.get("schedules", {}), **wanted.get("schedules", {})}
    merged = {**now.retries, **wanted, **({"schedules": schedules} if schedules else {})}
    check(merged)
    store(tx, changed(now, retries=merged))


def longest_policy(tx: Tx, subscription: Subscription) -> Policy:
    """Return the policy of a subscription with its longest schedule, whatever the declines were."""
    found = [policy_of(tx, subscription, kind=kind) for kind in CLASSES]
    return replace(
        found[0], waits=max((one.waits for one in found), key=lambda waits: (len(waits), total(waits)))
    )


def total(waits: tuple[timedelta, ...]) -> timedelta:
    return sum(waits, timedelta())


def chosen(metadata: Mapping[str, str], key: str, words: Mapping[str, Any]) -> str | None:
    """Return what metadata say; a word that is none is logged, and the merchant's setting counts."""
    word = metadata.get(key)
    if word is not None and word not in words:
        log.warning("the metadata %s is none of %s: %r", key, ", ".join(words), word)
        return None
    return word


def days_of(schedule: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the days of a schedule after the first failure: those of a window, or its own."""
    window = schedule.get("window")
    return WINDOWS[window] if window else tuple(schedule["days"])


def check(retries: Mapping[str, Any]) -> None:
    """Refuse settings of retries that make no sense."""
    for kind, schedule in retries.get("schedules", {}).items():
        require(kind in CLASSES, f"A class of declines is {', '.join(CLASSES)}, not {kind}.")
        window = schedule.get("window")
        require(window is None or window in WINDOWS, f"A window is {', '.join(WINDOWS)}, not {window}.")
        days = list(days_of(schedule))
        require(
            len(days) <= MOST_RETRIES
            and days == sorted(set(days))
            and all(1 <= d <= MOST_DAYS for d in days),
            f"The days of retries rise, from 1 to {MOST_DAYS}, at most {MOST_RETRIES} of them.",
        )
    for name, words in (("after", FINALLY), ("invoice_after", INVOICE_FINALLY)):
        word = retries.get(name)
        if word is not None and word not in words:
            raise Refused(f"After the last retry: {', '.join(words)}, not {word}.")
    paydays = retries.get("paydays", [])
    require(
        all(0 <= day <= 31 for day in paydays), "A payday is a day of the month, or the last working day."
    )
