"""Say when a payout is sent and arrives, and which test accounts it does not reach."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from billow.core.bank import target_days

UNDER_WAY = ("pending", "in_transit")
"""The statuses in which a payout has not arrived yet."""
CANCELABLE_FOR = timedelta(hours=1)
"""How long the simulated gateway holds a payout before it sends it to the bank."""
DAYS, INSTANT = 2, timedelta(minutes=30)
"""After how many days of the banks a payout arrives, and after how long an instant one."""
FAILURES = {
    "1113": ("account_closed", "The bank account has been closed."),
    "1116": ("no_account", "The bank account could not be located."),
    "3335": ("debit_not_authorized", "Debit transactions are not approved on the bank account."),
    "4440": ("invalid_currency", "The bank was unable to process this payout because of its currency."),
}
"""Why the test accounts with these last digits take no payout."""


def is_behind(said: str, status: str) -> bool:
    """Tell whether a payout has come further than what is said of it: a bank may know before the gateway.

    >>> is_behind("in_transit", "paid"), is_behind("failed", "paid"), is_behind("paid", "in_transit")
    (True, False, False)
    """
    order = (*UNDER_WAY, "paid")
    return said in order and status in order and order.index(said) < order.index(status)


@dataclass(frozen=True, slots=True)
class PaidOut:
    """A payout as the gateway says that it is now."""

    reference: str
    amount: int
    currency: str
    status: str
    arrives: datetime
    automatic: bool = True
    fee: int = 0
    method: str = "standard"
    description: str | None = None
    statement_descriptor: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    original: str | None = None
    """The gateway's reference of the payout that this one brings back."""


def arrival(now: datetime, method: str = "standard") -> datetime:
    """Return when a payout arrives: on the second day of the banks after it, which a weekend is not.

    >>> arrival(datetime(2026, 1, 2, 15, tzinfo=UTC)).date().isoformat()
    '2026-01-06'
    """
    if method == "instant":
        return (now + INSTANT).replace(microsecond=0)
    return datetime.combine(target_days.days_after(now.date(), DAYS), time(), UTC)


def due(status: str, created: datetime, arrives: datetime) -> datetime | None:
    """Return when a payout of the simulated gateway goes on: when it is sent, and when it arrives."""
    if status == "pending":
        return min(created + CANCELABLE_FOR, arrives)
    return arrives if status == "in_transit" else None
