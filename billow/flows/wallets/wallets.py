"""Create, update and close wallets, and top them up on request."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params, made
from billow.core.errors import require
from billow.core.money import minimum_charge, show
from billow.flows.billing.currency import check_customer_currency
from billow.flows.credits import grants
from billow.flows.taxes import params as taxes
from billow.flows.wallets import left, orders
from billow.resources.customer import Customer
from billow.resources.tax_rate import TaxRate
from billow.resources.wallet import TopUp, Wallet
from billow.store import clocks
from billow.store.tx import Tx


@Wallet.create
def create(tx: Tx, wanted: Wallet) -> Wallet:
    """Create a wallet. It is empty until its first top-up is paid.

    With `top_up` it is topped up by itself, from the first usage on.
    """
    customer = rows.lock(tx, Customer, wanted.customer, param="customer")
    tx = clocks.enter(tx, customer.test_clock)
    check_customer_currency(customer, wanted.currency)
    grants.check_scope(tx, wanted.applicability_config)
    held = complete(wanted)
    check_terms(tx, held)
    return rows.insert(tx, held.but(test_clock=customer.test_clock, updated=tx.now))


@Wallet.update
def update(tx: Tx, wallet: Wallet, changes: dict[str, Any]) -> Wallet:
    """Update how a wallet is topped up, its name, its taxes or its metadata.

    What was ordered or bought before stays as it is.
    """
    tx = clocks.enter(tx, wallet.test_clock)
    require(wallet.status == "active", "This wallet is closed, so it can't be updated.")
    after = complete(wallet.but(**changes))
    check_terms(tx, after)
    changed = {name: getattr(after, name) for name in (*changes, "watched")}
    if all(getattr(wallet, name) == value for name, value in changed.items()):
        return wallet
    return rows.update(tx, wallet, **changed, updated=tx.now)


@Wallet.action("close")
def close(tx: Tx, wallet: Wallet) -> Wallet:
    """Close a wallet: it is topped up no more. Its credits pay for usage until they are used or expire."""
    tx = clocks.enter(tx, wallet.test_clock)
    require(wallet.status == "active", "This wallet is already closed.")
    return rows.update(tx, wallet, event="closed", status="closed", watched=False, updated=tx.now)


class TopUpOrder(Params):
    amount: int = f.amount(min=1, required=True)
    """What is bought, before tax, in minor units of the wallet's currency."""


@Wallet.action("top_up", TopUpOrder)
def top_up(tx: Tx, wallet: Wallet, wanted: TopUpOrder) -> Wallet:
    """Top a wallet up: its customer is charged with an invoice, and gets the credits when that is paid.

    Refused while the invoice of another top-up of this wallet is to be paid.
    """
    tx = clocks.enter(tx, wallet.test_clock)
    require(wallet.status == "active", "This wallet is closed, so it can't be topped up.")
    check_amount(wallet.currency, wanted.amount, "amount")
    orders.check_none_open(tx, wallet)
    customer = rows.find(tx, Customer, wallet.customer)
    check_customer_currency(customer, wallet.currency)
    grants.check_number(tx, customer)
    [ordered] = orders.order(tx, [orders.Order(wallet, customer, wanted.amount)], "requested")
    return ordered


@Wallet.below("GET", "balance", of=Wallet)
def balance(tx: Tx, wallet: Wallet) -> dict[str, Any]:
    """Show what a wallet has, what usage that is not invoiced yet will take of it, and what is left then."""
    tx = clocks.enter(tx, wallet.test_clock)
    found = left.balances(tx, [wallet])[wallet.id]
    return {
        "object": "billing.wallet_balance",
        "balance": found.balance,
        "currency": wallet.currency,
        "left": found.left,
        "livemode": tx.livemode,
        "used": found.balance - found.left,
        "wallet": wallet.id,
    }


def complete(wallet: Wallet) -> Wallet:
    """Return a wallet with every field of its top-up, and with whether usage may lead to one."""
    top_up = f.blank(TopUp, wallet.top_up) if wallet.top_up else None
    return wallet.but(top_up=top_up, watched=top_up is not None and wallet.status == "active")


def check_terms(tx: Tx, wallet: Wallet) -> None:
    """Check what a wallet orders by itself, and the taxes of its invoices."""
    terms = wallet.top_up
    if terms:
        check_amount(wallet.currency, terms["amount"], "top_up[amount]")
        require(
            terms["monthly_limit"] is None or terms["monthly_limit"] >= terms["amount"],
            "The `monthly_limit` is less than one top-up, so nothing could be ordered.",
            param="top_up[monthly_limit]",
        )
    enabled = wallet.automatic_tax["enabled"]
    taxes.check_automatic_tax(tx, made(taxes.AutomaticTax, enabled=enabled))
    taxes.check_alone(enabled, wallet.default_tax_rates)
    for number, id in enumerate(wallet.default_tax_rates):
        rows.find(tx, TaxRate, id, param=f"default_tax_rates[{number}]")


def check_amount(currency: str, amount: int, param: str) -> None:
    least = minimum_charge(currency)
    require(amount >= least, f"A top-up is at least {show(least, currency)}.", param=param)
