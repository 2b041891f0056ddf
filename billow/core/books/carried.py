"""Carry what is owed in other currencies at the rate of its day, and find what its settlement gains or loses.

What is owed is kept by item: that of an invoice is settled by what is booked of the same invoice first, and
else the oldest first. Advance payments are never valued again (IFRIC 22): revenue that was deferred is earned
at the rate of the invoice. Money that only moves, as from a gateway to the bank, takes its value along.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

CASH = frozenset({"bank", "clearing", "in_transit", "disputed"})
"""Kinds of accounts of money, wherever it is."""
OWED = frozenset({
    "receivable", "allowance", "withholding_tax", "unbilled", "customer_balance", "unapplied_cash",
    "refunds_payable",
})  # fmt: skip
"""Kinds of what is to be received or paid in money."""
ADVANCE = frozenset({"deferred_revenue", "prepaid"})
"""Kinds of what was paid or invoiced before it was earned."""
TAX = frozenset({"tax_payable"})
"""Tax is owed in the currency of its state, at the rate of the day on which it became due."""
MONETARY = CASH | OWED
"""What is valued anew at the end of a period."""
KEPT = MONETARY | ADVANCE | TAX
"""All that has a balance; everything else is income or expense."""

Place = tuple[str, str]
"""An account of the ledger, such as receivable:cus_1, and a currency."""
Day = Callable[[int], int]
"""Converts an amount by the rate of a day."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a posting is worth in the books' currency, by account, debits positive.

    `exchange` is what it lost on exchange (a gain is negative), and `rounding` what its conversions left:
    booked against them, the posting adds up to nothing.
    """

    amounts: Mapping[str, int]
    exchange: int = 0
    rounding: int = 0


@dataclass(slots=True)
class Carried:
    """What is carried in other currencies: for each account its items, with both their amounts."""

    items: dict[Place, dict[str, tuple[int, int]]] = field(default_factory=dict)

    def post(self, moves: Mapping[str, int], currency: str, item: str, day: Day) -> Worth:
        """Take a posting in a currency, which adds up to nothing, and return what it is worth.

        A receivable of 1000 USD, posted at 0.92 and paid at 0.91, is worth 920: 910 in the bank, and a loss
        of 10.
        """
        released: dict[str, int] = {}
        for account, amount in moves.items():
            if amount and self.lowers(account, currency, amount):
                released[account] = self.release((account, currency), item, amount, day)
        others = {account: amount for account, amount in moves.items() if account not in released}
        if released and not any(takes_rate(account, moves) for account, amount in others.items() if amount):
            amounts = released | shared(-sum(released.values()), others)
            exchange = 0 if others and any(others.values()) else -sum(released.values())
            rounding = 0
        else:
            amounts = released | {account: day(amount) for account, amount in others.items()}
            rounding = -sum(day(amount) for amount in moves.values())
            exchange = -sum(amounts.values()) - rounding
        for account, amount in others.items():
            if amount and kind_of(account) in KEPT:
                self.add((account, currency), item, amount, amounts[account])
        return Worth(amounts, exchange, rounding)

    def lowers(self, account: str, currency: str, amount: int) -> bool:
        """Check that an amount brings an account nearer to nothing. All of its items have one sign."""
        held = self.items.get((account, currency))
        return held is not None and (next(iter(held.values()))[0] > 0) != (amount > 0)

    def release(self, place: Place, item: str, amount: int, day: Day) -> int:
        """Take an amount off an account, its own item first; return what that was carried at, with its sign.

        What is more than the account has is worth what the day says, and opens an item of its own.
        """
        held, left, worth = self.items[place], amount, 0
        for name in sorted(held, key=lambda one: one != item):  # the others stay in their order
            foreign, home = held[name]
            if abs(left) < abs(foreign):
                part = portion(home, abs(left), abs(foreign))
                held[name] = (foreign + left, home - part)
                return worth - part
            del held[name]
            left, worth = left + foreign, worth - home
            if not left:
                break
        if not held:
            del self.items[place]
        if left:
            more = day(left)
            self.add(place, item, left, more)
            worth += more
        return worth

    def add(self, place: Place, item: str, amount: int, worth: int) -> None:
        held = self.items.setdefault(place, {})
        foreign, home = held.get(item, (0, 0))
        held[item] = (foreign + amount, home + worth)

    def balances(self) -> Iterator[tuple[str, str, int, int]]:
        """Return each account with its currency, what it has in it, and what that is carried at."""
        for (account, currency), held in sorted(self.items.items()):
            yield (
                account,
                currency,
                sum(one for one, _ in held.values()),
                sum(one for _, one in held.values()),
            )


def kind_of(account: str) -> str:
    return account.partition(":")[0]


def takes_rate(account: str, moves: Mapping[str, int]) -> bool:
    """Check that what is added to an account is worth what the day says: new money, or a new debt."""
    kind = kind_of(account)
    if kind in CASH:
        return any(kind_of(one) not in CASH for one, amount in moves.items() if amount)
    return kind in OWED or kind in TAX


def portion(whole: int, part: int, of: int) -> int:
    """Return the part of an amount, rounded half away from zero."""
    sign = 1 if whole >= 0 else -1
    return sign * ((2 * abs(whole) * part + of) // (2 * of))


def shared(total: int, parts: Mapping[str, int]) -> dict[str, int]:
    """Share an amount in proportion to others; the last one that is not nothing gets what is left.

    >>> shared(92, {"a": 60, "b": 40})
    {'a': 55, 'b': 37}
    """
    whole, found = sum(parts.values()), dict.fromkeys(parts, 0)
    given: Sequence[str] = [name for name, amount in parts.items() if amount]
    left = total
    for name in given[:-1]:
        sign = 1 if parts[name] * whole >= 0 else -1
        found[name] = sign * portion(total, abs(parts[name]), abs(whole)) if whole else 0
        left -= found[name]
    if given:
        found[given[-1]] = left
    return found
