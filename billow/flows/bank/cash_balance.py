"""Show the cash balance of a customer: money that came in by bank, and what it paid."""

from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.params import Params
from billow.flows.customers import cash
from billow.resources.bank_entry import MANUAL, BankEntry
from billow.resources.customer import CashSettings, Customer
from billow.resources.customer_cash_balance_transaction import CustomerCashBalanceTransaction
from billow.store import outbox
from billow.store.tx import Tx

BELOW = "cash_balance_transactions"


def available(tx: Tx, customer: str) -> dict[str, int]:
    """Return what a customer has transferred and that pays nothing yet, by currency."""
    return dict(
        tx.tuples(
            "select currency, sum(unapplied)::bigint from bank_entries where customer = %(id)s"
            " and state = 'queued' and unapplied <> 0 group by currency order by currency",
            id=customer,
        )
    )


def spendable(tx: Tx, customer: str, currency: str) -> list[BankEntry]:
    """Lock the transfers of a customer that pay nothing yet, the oldest first."""
    return rows.select(
        tx,
        BankEntry,
        "customer = %(customer)s and currency = %(currency)s and state = 'queued' and unapplied > 0",
        "order by created, id for update",
        customer=customer,
        currency=currency,
    )


def shown(tx: Tx, customer: Customer) -> dict[str, Any]:
    found = available(tx, customer.id)
    return cash.shown(customer, tx.livemode, found, cash.settings_of(customer))


@Customer.below("GET", "cash_balance", of=CustomerCashBalanceTransaction)
def retrieve(tx: Tx, customer: Customer) -> dict[str, Any]:
    """Retrieve the cash balance of a customer: bank transfers that pay nothing yet."""
    return shown(tx, customer)


class Change(Params):
    settings: CashSettings | None = f.nested(shape=CashSettings)


@Customer.below("POST", "cash_balance", Change, of=CustomerCashBalanceTransaction)
def update(tx: Tx, customer: Customer, wanted: Change) -> dict[str, Any]:
    """Set how the bank transfers of a customer are matched: by their references, or by hand only."""
    sent = {"settings": wanted.settings.sent()} if wanted.settings else {}
    after = cash.with_mode(customer, tx.livemode, sent)
    return shown(tx, rows.update(tx, customer, event=None, cash_balance=after))


@Customer.below("GET", BELOW, listing.Paging, of=CustomerCashBalanceTransaction)
def list_transactions(tx: Tx, customer: Customer, wanted: listing.Paging) -> listing.Page:
    """List the cash balance transactions of a customer, the newest first."""
    where = listing.where_of(tx, CustomerCashBalanceTransaction, {"customer": customer.id, **wanted.sent()})
    url = f"/v1/customers/{customer.id}/{BELOW}"
    return listing.below(tx, CustomerCashBalanceTransaction, where, wanted, url)


@Customer.below("GET", f"{BELOW}/{{transaction}}", of=CustomerCashBalanceTransaction)
def retrieve_transaction(tx: Tx, customer: Customer, id: str) -> CustomerCashBalanceTransaction:
    """Retrieve a cash balance transaction of a customer."""
    found = rows.find(tx, CustomerCashBalanceTransaction, id)
    if found.customer != customer.id:
        raise rows.no_such(tx, CustomerCashBalanceTransaction, id)
    return found


# ------------------------------------------------------------------------------------- what entries record


def record(tx: Tx, entry: BankEntry, customer: str, amount: int, type: str, **more: Any) -> None:
    """Record a change of a customer's cash balance, after which it holds what the entry has left.

    Emits `customer_cash_balance_transaction.created`.
    """
    before = rows.select(
        tx,
        CustomerCashBalanceTransaction,
        "customer = %(customer)s and currency = %(currency)s",
        "order by created desc, id desc limit 1",
        customer=customer,
        currency=entry.currency,
    )
    ending = (before[0].ending_balance if before else 0) + amount
    made = CustomerCashBalanceTransaction(
        currency=entry.currency,
        customer=customer,
        ending_balance=ending,
        entry=entry.id,
        net_amount=amount,
        type=type,
        **more,
    )
    rows.insert(tx, made)
    keep_available(tx, customer, entry.currency, ending)


def tell_available(tx: Tx, entry: BankEntry) -> None:
    """Emit `cash_balance.funds_available` where new funds leave something that pays nothing yet."""
    if entry.account == MANUAL or entry.customer is None or entry.state != "queued" or not entry.unapplied:
        return
    customer = rows.find(tx, Customer, entry.customer, deleted=True)
    outbox.write(tx, [outbox.NewEvent("cash_balance.funds_available", shown(tx, customer))])


def keep_available(tx: Tx, id: str, currency: str, amount: int) -> None:
    """Keep what is available of a currency with the customer, who shows it when it is expanded."""
    customer = rows.find(tx, Customer, id, deleted=True)
    known = (customer.cash_balance or {}).get("available") or {}
    left = {name: kept for name, kept in {**known, currency: amount}.items() if kept}
    after = cash.shown(customer, tx.livemode, left, cash.settings_of(customer))
    rows.update(tx, customer, event=None, cash_balance=after)


def fund(tx: Tx, entry: BankEntry, customer: str, amount: int) -> None:
    """Record that a customer's transfer came in; what was recorded by hand is no transfer."""
    if not amount or entry.account == MANUAL:
        return
    sender = {"bic": None, "iban_last4": entry.iban[-4:] if entry.iban else None, "sender_name": entry.name}
    said = {
        "eu_bank_transfer": sender,
        "reference": entry.structured or entry.text,
        "type": "eu_bank_transfer",
    }
    record(tx, entry, customer, amount, "funded", funded={"bank_transfer": said})


def use(tx: Tx, entry: BankEntry, customer: str, amount: int, intent: str) -> None:
    """Record that a payment used a part of a transfer."""
    if entry.account != MANUAL:
        used = {"payment_intent": intent}
        record(tx, entry, customer, -amount, "applied_to_payment", applied_to_payment=used)


def free(tx: Tx, entry: BankEntry, customer: str, amount: int, intent: str) -> None:
    """Record that a payment no longer uses a part of a transfer."""
    if entry.account != MANUAL:
        freed = {"payment_intent": intent}
        record(tx, entry, customer, amount, "unapplied_from_payment", unapplied_from_payment=freed)


def leave(tx: Tx, entry: BankEntry, customer: str) -> None:
    """Record that what is left of a transfer is no longer the customer's cash."""
    held = tx.tuples(
        "select coalesce(sum(net_amount), 0)::bigint from cash_balance_transactions"
        " where entry = %(entry)s and customer = %(customer)s",
        entry=entry.id,
        customer=customer,
    )[0][0]
    if held:
        record(tx, entry, customer, -held, "funding_reversed")
