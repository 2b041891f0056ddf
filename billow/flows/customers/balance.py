"""Adjust a customer's credit balance by hand, and list its transactions."""

from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.operation import merged_value
from billow.api.params import Params
from billow.core.errors import Inconsistent, require
from billow.ledger import entries, post
from billow.resources.customer import Customer
from billow.resources.customer_balance_transaction import CustomerBalanceTransaction
from billow.store.tx import Tx

BELOW = "balance_transactions/{transaction}"


class Adjust(Params):
    amount: int = f.amount(required=True)
    currency: str = f.currency(required=True)
    description: str | None = f.text(max=350, unset=True)
    metadata: dict[str, str] = f.metadata()


class ChangeTransaction(Params):
    description: str | None = f.text(max=350, unset=True)
    metadata: dict[str, str] = f.metadata()


class TransactionFilters(listing.Paging):
    created: dict[str, Any] | None = f.nested()
    invoice: str | None = f.ref("invoice")


def record(tx: Tx, customer: Customer, amount: int, type: str, **more: Any) -> CustomerBalanceTransaction:
    """Insert the transaction of a balance set by hand, and post it to the ledger.

    The customer has its new balance already. No event is emitted for a balance transaction.
    """
    if not customer.currency:
        raise Inconsistent(f"The customer {customer.id} has a balance and no currency.")
    made = rows.insert(
        tx,
        CustomerBalanceTransaction(
            amount=amount,
            currency=customer.currency,
            customer=customer.id,
            ending_balance=customer.balance,
            type=type,
            **more,
        ),
    )
    transfers = entries.balance_granted(customer.id, customer.currency, -amount)
    post.post(tx, [post.Posting("customer_balance.granted", made.id, tx.now, transfers, customer.id)])
    return made


@Customer.below("POST", "balance_transactions", Adjust, of=CustomerBalanceTransaction)
def create(tx: Tx, customer: Customer, wanted: Adjust) -> CustomerBalanceTransaction:
    """Adjust a customer's balance; negative is credit. The first adjustment sets the customer's currency."""
    currency = customer.currency or wanted.currency
    require(
        wanted.currency == currency,
        f"The balance of this customer is in {currency}; it cannot be adjusted in {wanted.currency}.",
        param="currency",
    )
    changed = rows.update(tx, customer, balance=customer.balance + wanted.amount, currency=currency)
    metadata = merged_value(CustomerBalanceTransaction(), "metadata", wanted.metadata)
    return record(tx, changed, wanted.amount, "adjustment", description=wanted.description, metadata=metadata)


@Customer.below("GET", "balance_transactions", TransactionFilters, of=CustomerBalanceTransaction)
def list_transactions(tx: Tx, customer: Customer, wanted: TransactionFilters) -> listing.Page:
    """List the balance transactions of a customer, the newest first."""
    where = listing.where_of(tx, CustomerBalanceTransaction, {"customer": customer.id, **wanted.sent()})
    url = f"/v1/customers/{customer.id}/balance_transactions"
    return listing.below(tx, CustomerBalanceTransaction, where, wanted, url)


@Customer.below("GET", BELOW, of=CustomerBalanceTransaction)
def retrieve(tx: Tx, customer: Customer, id: str) -> CustomerBalanceTransaction:
    """Retrieve a balance transaction of a customer."""
    return of_customer(tx, customer, id)


@Customer.below("POST", BELOW, ChangeTransaction, of=CustomerBalanceTransaction)
def update(tx: Tx, customer: Customer, id: str, wanted: ChangeTransaction) -> CustomerBalanceTransaction:
    """Update the description or the metadata of a balance transaction; its amount never changes."""
    found = of_customer(tx, customer, id)
    changes = {name: merged_value(found, name, value) for name, value in wanted.sent().items()}
    return rows.update(tx, found, **changes)


def of_customer(tx: Tx, customer: Customer, id: str) -> CustomerBalanceTransaction:
    """Find a balance transaction; refuse one of another customer."""
    found = rows.find(tx, CustomerBalanceTransaction, id)
    if found.customer != customer.id:
        raise rows.no_such(tx, CustomerBalanceTransaction, id)
    return found
