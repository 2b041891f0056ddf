"""For each money event, which account pays which? All accounting rules of billow, on one page.

Amounts are signed: a negative one is the same story backwards (a proration credit, a payment that bounced).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from billow.core.errors import ensure
from billow.ledger.chart import Account, clearing, customer_balance, receivable, revenue, tax_payable, the


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money moves from the credited account to the debited one. Debits equal credits by construction."""

    debit: Account
    credit: Account
    amount: int
    line: str | None = None
    """The invoice line that it is about, where it is about one."""

    def __post_init__(self) -> None:
        ensure(self.amount > 0, "A transfer moves an amount above zero.")
        ensure(self.debit != self.credit, "A transfer has two accounts.")
        ensure(self.debit.currency == self.credit.currency, "A transfer has one currency.")


@dataclass(frozen=True, slots=True)
class Line:
    """An invoice line without its tax. The product matters when it is earned, not before."""

    id: str
    product: str
    net: int


@dataclass(frozen=True, slots=True)
class Tax:
    """What is owed to one jurisdiction."""

    jurisdiction: str
    amount: int


@dataclass(frozen=True, slots=True)
class Credit:
    """What a credit note takes back of one line, without its tax."""

    line: str | None
    unearned: int
    earned: int


#: An account that a credit note takes from, how much, and for which line.
Part = tuple[Account, int, str | None]


def move(debit: Account, credit: Account, amount: int, line: str | None = None) -> list[Transfer]:
    """A negative amount goes the other way; nothing moves nothing."""
    if amount == 0:
        return []
    return [Transfer(debit, credit, amount, line) if amount > 0 else Transfer(credit, debit, -amount, line)]


# ------------------------------------------------------------------------------------- invoices


def invoice_finalized(
    customer: str, currency: str, lines: Sequence[Line], taxes: Sequence[Tax]
) -> list[Transfer]:  # fmt: skip
    """The customer owes us. All net amounts wait in deferred revenue, be it for a second: one way to earn."""
    owes, deferred = receivable(customer, currency), the("deferred_revenue", currency)
    nets = [move(owes, deferred, line.net, line.id) for line in lines]
    shares = [move(owes, tax_payable(tax.jurisdiction, currency), tax.amount) for tax in taxes]
    return [transfer for moved in nets + shares for transfer in moved]


def service_rendered(currency: str, product: str, amount: int, line: str | None = None) -> list[Transfer]:
    return move(the("deferred_revenue", currency), revenue(product, currency), amount, line)


def invoice_voided(transfers: Sequence[Transfer]) -> list[Transfer]:
    """As if it had never been: each transfer of the invoice, backwards."""
    return [Transfer(past.credit, past.debit, past.amount, past.line) for past in transfers]


def uncollectible(customer: str, currency: str, amount: int) -> list[Transfer]:
    return move(the("bad_debt", currency), receivable(customer, currency), amount)


def rounded_off(customer: str, currency: str, amount: int) -> list[Transfer]:
    """A difference too small to ask for."""
    return move(the("rounding", currency), receivable(customer, currency), amount)


# ------------------------------------------------------------------------------------- money in and out


def payment_succeeded(gateway: str, customer: str, currency: str, amount: int) -> list[Transfer]:
    return move(clearing(gateway, currency), receivable(customer, currency), amount)


def sold(gateway: str, currency: str, amount: int) -> list[Transfer]:
    """Money taken without an invoice: a sale of its own, earned at once."""
    return move(clearing(gateway, currency), revenue("none", currency), amount)


def paid_out_of_band(customer: str, currency: str, amount: int) -> list[Transfer]:
    """Money that reached the bank without a gateway."""
    return move(the("bank", currency), receivable(customer, currency), amount)


def fee_charged(gateway: str, currency: str, fee: int) -> list[Transfer]:
    return move(the("gateway_fees", currency), clearing(gateway, currency), fee)


def payout(gateway: str, currency: str, amount: int) -> list[Transfer]:
    return move(the("bank", currency), clearing(gateway, currency), amount)


def refund_granted(currency: str, amount: int) -> list[Transfer]:
    """A refund without a credit note: goodwill, taken from revenue before it is sent."""
    return move(the("revenue_adjustments", currency), the("refunds_payable", currency), amount)


def refund_sent(gateway: str, currency: str, amount: int) -> list[Transfer]:
    return move(the("refunds_payable", currency), clearing(gateway, currency), amount)


# ------------------------------------------------------------------------------------- credit


def balance_applied(customer: str, currency: str, amount: int) -> list[Transfer]:
    """Credit of the customer pays the receivable; a negative amount puts a credit invoice on the balance."""
    return move(customer_balance(customer, currency), receivable(customer, currency), amount)


def balance_granted(customer: str, currency: str, amount: int) -> list[Transfer]:
    """Credit that the merchant gave by hand, or took back."""
    return move(the("revenue_adjustments", currency), customer_balance(customer, currency), amount)


def credit_issued(
    currency: str, lines: Sequence[Credit], taxes: Sequence[Tax], to: Sequence[tuple[Account, int]]
) -> list[Transfer]:  # fmt: skip
    """A credit note: what is not earned leaves deferred revenue, what is earned is adjusted, tax is not owed.

    `to` says who has it now: receivable (it was unpaid), customer_balance (kept) or refunds_payable. The
    shares are filled in that order; they add up to the note's total.
    """
    deferred, adjusted = the("deferred_revenue", currency), the("revenue_adjustments", currency)
    parts: list[Part] = []
    for line in lines:
        parts += [(deferred, line.unearned, line.line), (adjusted, line.earned, line.line)]
    parts += [(tax_payable(tax.jurisdiction, currency), tax.amount, None) for tax in taxes]
    whole = sum(amount for _, amount, _ in parts) == sum(share for _, share in to)
    ensure(whole, "What is credited goes somewhere, whole.")
    ensure(all(share >= 0 for _, share in to), "Nobody is credited less than nothing.")
    if not to:
        return []
    # Credited proration credits are negative parts: the last share pays for them, so it takes that much more.
    *shares, (last, rest) = to
    returned = sum(-amount for _, amount, _ in parts if amount < 0)
    transfers = _filled(parts, [*shares, (last, rest + returned)])
    return transfers + [Transfer(last, source, -amount, line) for source, amount, line in parts if amount < 0]


def _filled(parts: Sequence[Part], shares: Sequence[tuple[Account, int]]) -> list[Transfer]:
    """The positive parts, each poured into the shares from where the one before it stopped."""
    transfers, place, left = [], 0, shares[0][1]
    for source, amount, line in parts:
        while amount > 0:
            if left == 0:
                place += 1
                left = shares[place][1]
            poured = min(amount, left)
            transfers += move(source, shares[place][0], poured, line)
            amount, left = amount - poured, left - poured
    return transfers


def prepaid_bought(customer: str, currency: str, amount: int) -> list[Transfer]:
    return move(receivable(customer, currency), the("prepaid", currency), amount)


def prepaid_used(currency: str, product: str, amount: int, line: str | None = None) -> list[Transfer]:
    return move(the("prepaid", currency), revenue(product, currency), amount, line)


def prepaid_expired(currency: str, amount: int) -> list[Transfer]:
    return move(the("prepaid", currency), the("breakage", currency), amount)
