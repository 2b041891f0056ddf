"""Make the transfers of each money event. All accounting rules of billow are in this file.

Amounts are signed: a negative amount reverses debit and credit (a proration credit, a payment that bounced).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from billow.core.errors import ensure
from billow.ledger.chart import (
    Account,
    clearing,
    connected_share,
    customer_balance,
    receivable,
    revenue,
    tax_payable,
    the,
)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A movement of money from the credited to the debited account. Debits equal credits by construction."""

    debit: Account
    credit: Account
    amount: int
    line: str | None = None
    """The invoice line that the transfer belongs to, if it belongs to one."""

    def __post_init__(self) -> None:
        ensure(self.amount > 0, "A transfer moves an amount above zero.")
        ensure(self.debit != self.credit, "A transfer has two accounts.")
        ensure(self.debit.currency == self.credit.currency, "A transfer has one currency.")


@dataclass(frozen=True, slots=True)
class Line:
    """An invoice line without its tax. The product is used when revenue is recognized, not before."""

    id: str
    product: str
    net: int
    earned: int = 0
    """What of it was earned before it is invoiced, such as usage in arrears."""


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax owed to one jurisdiction."""

    jurisdiction: str
    amount: int


@dataclass(frozen=True, slots=True)
class Credit:
    """The amount of one line that a credit note credits, without its tax."""

    line: str | None
    unearned: int
    earned: int


#: An account that a credit note debits, the amount, and the line.
Part = tuple[Account, int, str | None]


def move(debit: Account, credit: Account, amount: int, line: str | None = None) -> list[Transfer]:
    """Make a transfer; a negative amount swaps the sides, and zero makes none."""
    if amount == 0:
        return []
    return [Transfer(debit, credit, amount, line) if amount > 0 else Transfer(credit, debit, -amount, line)]


# ------------------------------------------------------------------------------------- invoices


def invoice_finalized(
    customer: str, currency: str, lines: Sequence[Line], taxes: Sequence[Tax]
) -> list[Transfer]:
    """Post what the customer owes: what was earned before was unbilled until now, the rest is deferred."""
    owes, deferred = receivable(customer, currency), the("deferred_revenue", currency)
    unbilled = the("unbilled", currency)
    nets = [
        [*move(owes, unbilled, line.earned, line.id), *move(owes, deferred, line.net - line.earned, line.id)]
        for line in lines
    ]
    shares = [move(owes, tax_payable(tax.jurisdiction, currency), tax.amount) for tax in taxes]
    return [transfer for moved in nets + shares for transfer in moved]


def service_rendered(currency: str, product: str, amount: int, line: str | None = None) -> list[Transfer]:
    """Recognize deferred revenue as earned."""
    return move(the("deferred_revenue", currency), revenue(product, currency), amount, line)


def service_unbilled(currency: str, product: str, amount: int, line: str | None = None) -> list[Transfer]:
    """Recognize revenue that was earned before it is invoiced: it is owed without a bill until then."""
    return move(the("unbilled", currency), revenue(product, currency), amount, line)


def invoice_voided(transfers: Sequence[Transfer]) -> list[Transfer]:
    """Reverse each transfer of a voided invoice."""
    return [Transfer(past.credit, past.debit, past.amount, past.line) for past in transfers]


def uncollectible(customer: str, currency: str, amount: int) -> list[Transfer]:
    """Write off what a customer owes as bad debt."""
    return move(the("bad_debt", currency), receivable(customer, currency), amount)


def tax_relieved(currency: str, taxes: Sequence[Tax]) -> list[Transfer]:
    """Claim the tax of what is written off back; a negative amount owes it again, as it was paid."""
    moved = [
        move(tax_payable(one.jurisdiction, currency), the("bad_debt", currency), one.amount) for one in taxes
    ]
    return [transfer for part in moved for transfer in part]


def allowance_changed(currency: str, amount: int) -> list[Transfer]:
    """Expect that so much more of the receivables is never paid; a negative amount expects less."""
    return move(the("bad_debt", currency), the("allowance", currency), amount)


def tax_withheld(currency: str, amount: int) -> list[Transfer]:
    """Record as tax that the payer withheld what was recorded as paid to the bank."""
    return move(the("withholding_tax", currency), the("bank", currency), amount)


def tax_remitted(jurisdiction: str, currency: str, amount: int) -> list[Transfer]:
    """Pay tax to the state; a negative amount came back from it."""
    return move(tax_payable(jurisdiction, currency), the("bank", currency), amount)


def rounded_off(customer: str, currency: str, amount: int) -> list[Transfer]:
    """Write off a difference that is too small to collect."""
    return move(the("rounding", currency), receivable(customer, currency), amount)


# ------------------------------------------------------------------------------------- money in and out


def payment_succeeded(gateway: str, customer: str, currency: str, amount: int) -> list[Transfer]:
    """Settle what a customer owes with a payment that the gateway collected."""
    return move(clearing(gateway, currency), receivable(customer, currency), amount)


def sold(gateway: str, currency: str, amount: int) -> list[Transfer]:
    """Record a payment without an invoice as a sale, earned at once."""
    return move(clearing(gateway, currency), revenue("none", currency), amount)


def sale_settles(customer: str, currency: str, amount: int) -> list[Transfer]:
    """Settle what a customer owes with a payment that was recorded as a sale."""
    return move(revenue("none", currency), receivable(customer, currency), amount)


def paid_out_of_band(customer: str, currency: str, amount: int) -> list[Transfer]:
    """Settle what a customer owes with a payment that reached the bank without a gateway."""
    return move(the("bank", currency), receivable(customer, currency), amount)


def bank_received(currency: str, amount: int) -> list[Transfer]:
    """Record money that reached the bank before it is known what it pays; a negative amount left it again."""
    return move(the("bank", currency), the("unapplied_cash", currency), amount)


def cash_applied(customer: str, currency: str, amount: int) -> list[Transfer]:
    """Settle what a customer owes with money that reached the bank; a negative amount takes it back."""
    return move(the("unapplied_cash", currency), receivable(customer, currency), amount)


def cash_kept(customer: str, currency: str, amount: int) -> list[Transfer]:
    """Keep what a customer paid too much on their balance; a negative amount takes it back."""
    return move(the("unapplied_cash", currency), customer_balance(customer, currency), amount)


def cash_sold(currency: str, amount: int) -> list[Transfer]:
    """Record a sale without an invoice that was paid in advance; a negative amount takes it back."""
    return move(the("unapplied_cash", currency), revenue("none", currency), amount)


def cash_returned(currency: str, amount: int) -> list[Transfer]:
    """Owe a customer money that was sent in advance, until it is sent back; a negative amount keeps it."""
    return move(the("unapplied_cash", currency), the("refunds_payable", currency), amount)


def cash_overdrawn(currency: str, amount: int) -> list[Transfer]:
    """Lose money that was sent back to a customer, and whose payment the bank took back after that.

    A negative amount is lost no more, since what was sent has come back.
    """
    return move(the("bad_debt", currency), the("unapplied_cash", currency), amount)


def refund_overdrawn(currency: str, amount: int) -> list[Transfer]:
    """Lose money that was sent back to a customer who had no more cash; a negative amount has come back."""
    return move(the("bad_debt", currency), the("refunds_payable", currency), amount)


def cash_rounded(currency: str, amount: int) -> list[Transfer]:
    """Write off what was paid too much where it is too little to keep; a negative amount takes it back."""
    return move(the("unapplied_cash", currency), the("rounding", currency), amount)


def cash_settled(gateway: str, currency: str, amount: int) -> list[Transfer]:
    """Clear what was collected by direct debits when it reaches the bank; a negative amount came back."""
    return move(the("unapplied_cash", currency), clearing(gateway, currency), amount)


def exchanged(gateway: str, currency: str, amount: int, into: str, received: int) -> list[Transfer]:
    """Post that the gateway turns money into the currency that it pays out; negative amounts turn it back."""
    given = move(the("exchange", currency), clearing(gateway, currency), amount)
    return given + move(clearing(gateway, into), the("exchange", into), received)


def fee_charged(gateway: str, currency: str, fee: int) -> list[Transfer]:
    return move(the("gateway_fees", currency), clearing(gateway, currency), fee)


def payout_sent(gateway: str, currency: str, amount: int) -> list[Transfer]:
    """Post a payout that is on its way to the bank; a negative amount comes back from it."""
    return move(the("in_transit", currency), clearing(gateway, currency), amount)


def payout_arrived(currency: str, amount: int) -> list[Transfer]:
    return move(the("bank", currency), the("in_transit", currency), amount)


def payout_returned(gateway: str, currency: str, amount: int, arrived: bool) -> list[Transfer]:
    """Post that a payout has failed or was canceled: the gateway holds its amount again."""
    return move(clearing(gateway, currency), the("bank" if arrived else "in_transit", currency), amount)


def payout_found(currency: str, amount: int, arrived: bool) -> list[Transfer]:
    """Post that money of a statement is a payout; one that had arrived before is on the bank twice."""
    return move(the("unapplied_cash", currency), the("bank" if arrived else "in_transit", currency), amount)


def share_transferred(gateway: str, account: str, currency: str, amount: int) -> list[Transfer]:
    """Post the share of a connected account, which leaves our balance; a negative amount comes back."""
    return move(connected_share(account, currency), clearing(gateway, currency), amount)


def refund_granted(
    currency: str, net: int, taxes: Sequence[Tax] = (), lines: Sequence[tuple[str, int]] = ()
) -> list[Transfer]:
    """Grant a refund without a credit note as goodwill: it reduces revenue and tax before it is sent.

    `lines` says how much of the net is treated for tax as which line of the invoice; the rest as none.
    """
    owed = the("refunds_payable", currency)
    shares = [move(tax_payable(tax.jurisdiction, currency), owed, tax.amount) for tax in taxes]
    adjusted, rest = the("revenue_adjustments", currency), net - sum(part for _, part in lines)
    granted = [move(adjusted, owed, part, line) for line, part in lines]
    return [transfer for moved in (*granted, move(adjusted, owed, rest), *shares) for transfer in moved]


def refund_sent(gateway: str, currency: str, amount: int) -> list[Transfer]:
    return move(the("refunds_payable", currency), clearing(gateway, currency), amount)


def refund_sent_from_bank(currency: str, amount: int) -> list[Transfer]:
    """Send back money that came without a gateway; the credit note that takes it over owes it."""
    return move(the("refunds_payable", currency), the("bank", currency), amount)


def dispute_moved(gateway: str, currency: str, amount: int) -> list[Transfer]:
    """Move disputed funds: the gateway takes them back, or with a negative amount returns them."""
    return move(the("disputed", currency), clearing(gateway, currency), amount)


def dispute_lost(currency: str, amount: int) -> list[Transfer]:
    """Write off disputed funds that do not come back. The invoice stays paid, and its tax stays owed."""
    return move(the("bad_debt", currency), the("disputed", currency), amount)


# ------------------------------------------------------------------------------------- credit


def balance_applied(customer: str, currency: str, amount: int) -> list[Transfer]:
    """Apply customer balance to the receivable; a negative amount adds a credit invoice to the balance."""
    return move(customer_balance(customer, currency), receivable(customer, currency), amount)


def balance_granted(customer: str, currency: str, amount: int) -> list[Transfer]:
    """Grant customer balance manually, or with a negative amount take it back."""
    return move(the("revenue_adjustments", currency), customer_balance(customer, currency), amount)


def credit_issued(
    currency: str, lines: Sequence[Credit], taxes: Sequence[Tax], to: Sequence[tuple[Account, int]]
) -> list[Transfer]:
    """Post a credit note: it reduces deferred revenue, earned revenue (by an adjustment) and tax payable.

    `to` says where the credit goes: receivable (unpaid), customer_balance (kept) or refunds_payable. The
    shares are filled in this order and add up to the total of the credit note.
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
    # A credited proration credit is a negative part: the last share pays for it, so it gets that much more.
    *shares, (last, rest) = to
    returned = sum(-amount for _, amount, _ in parts if amount < 0)
    transfers = _filled(parts, [*shares, (last, rest + returned)])
    return transfers + [Transfer(last, source, -amount, line) for source, amount, line in parts if amount < 0]


def _filled(parts: Sequence[Part], shares: Sequence[tuple[Account, int]]) -> list[Transfer]:
    """Distribute the positive parts over the shares, in order."""
    transfers, place, left = [], 0, shares[0][1]
    for source, amount, line in parts:
        while amount > 0:
            if left == 0:
                place += 1
                left = shares[place][1]
            moved_amount = min(amount, left)
            transfers += move(source, shares[place][0], moved_amount, line)
            amount, left = amount - moved_amount, left - moved_amount
    return transfers


def prepaid_delivered(currency: str, amount: int, line: str | None = None) -> list[Transfer]:
    """Turn what an invoice of prepaid credits has deferred into credits when it is paid.

    Both are liabilities; a negative amount takes unused credits back, as the invoice is open again.
    """
    return move(the("deferred_revenue", currency), the("prepaid", currency), amount, line)


def prepaid_not_paid(currency: str, amount: int) -> list[Transfer]:
    """Lower the loss of an uncollectible invoice by prepaid credits that were never delivered.

    A negative amount defers them again, as the invoice is paid or credited after all.
    """
    return move(the("deferred_revenue", currency), the("bad_debt", currency), amount)


def prepaid_given_away(currency: str, amount: int) -> list[Transfer]:
    """Lose what was used of prepaid credits whose invoice was voided after its payment had come back."""
    return move(the("revenue_adjustments", currency), the("deferred_revenue", currency), amount)


def prepaid_granted(currency: str, amount: int) -> list[Transfer]:
    """Owe credits that were sold and invoiced as a product; a negative amount takes a voided grant back.

    The sale is revenue when it is invoiced, so what is granted for it leaves revenue until it is used.
    """
    return move(the("revenue_adjustments", currency), the("prepaid", currency), amount)


def prepaid_lost(currency: str, amount: int) -> list[Transfer]:
    """Lower the loss of a payment by the credits that it had bought; a negative amount takes them back."""
    return move(the("bad_debt", currency), the("prepaid", currency), amount)


def prepaid_used(currency: str, product: str, amount: int, line: str | None = None) -> list[Transfer]:
    return move(the("prepaid", currency), revenue(product, currency), amount, line)


def prepaid_expired(currency: str, amount: int) -> list[Transfer]:
    return move(the("prepaid", currency), the("breakage", currency), amount)
