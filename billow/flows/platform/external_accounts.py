"""Keep the bank accounts of connected accounts, to which the gateway pays out."""

from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.fields import SHOWN
from billow.api.operation import merged_value
from billow.api.params import Params, merged
from billow.api.resource import Where
from billow.core.errors import Refused, require
from billow.core.payments import Declined
from billow.providers.gateways import accounts, instruments
from billow.providers.gateways.accounts import Account
from billow.resources.bank_account import HOLDERS, TYPES, BankAccount
from billow.resources.connected_account import ConnectedAccount
from billow.store.tx import Tx

READY = {"btok_us": "US", "btok_us_verified": "US"}
"""The ready tokens of test accounts, and their countries."""
US_NUMBER, US_ROUTING = "000123456789", "110000000"
BANK = "STRIPE TEST BANK"


class Described(Params):
    """A bank account by its number, as a form has it."""

    account_holder_name: str | None = f.line()
    account_holder_type: str | None = f.choice(SHOWN, *HOLDERS)
    account_number: str = f.text(max=34, required=True)
    account_type: str | None = f.choice(SHOWN, *TYPES)
    country: str = f.text(max=2, required=True)
    currency: str | None = f.currency()
    object: str | None = f.choice(SHOWN, "bank_account")
    routing_number: str | None = f.text(max=20)


class Create(Params):
    default_for_currency: bool | None = f.boolean()
    external_account: str | Described = f.ref("bank_account", shape=Described, required=True)
    metadata: dict[str, str] = f.metadata()


@ConnectedAccount.below("POST", "external_accounts", Create, of=ConnectedAccount)
def create(tx: Tx, account: ConnectedAccount, wanted: Create) -> BankAccount:
    """Add a bank account for payouts to a connected account. Test mode takes test numbers only.

    The first one in a currency is the default. Emits `account.external_account.created`.
    """
    return add(tx, account, wanted.external_account, wanted.default_for_currency, wanted.metadata)


def add(
    tx: Tx,
    account: ConnectedAccount,
    given: str | Described,
    default: bool | None = None,
    metadata: dict[str, str] | None = None,
) -> BankAccount:
    """Write a bank account of a connected account; one that is the default replaces the default before."""
    made = read(tx, account, given)
    others = of_currency(tx, account, made.currency)
    chosen = bool(default) or not others
    if chosen:
        undo_default(tx, others)
    return rows.insert(tx, made.but(default_for_currency=chosen, metadata=merged({}, metadata or {})))


def read(tx: Tx, account: ConnectedAccount, given: str | Described) -> BankAccount:
    """Return the bank account that a token or a hash describes, which must be a test account."""
    require(
        not tx.livemode,
        "Live mode takes no bank accounts: connect the account at your gateway, which pays out.",
        param="external_account",
        code="testmode_charges_only",
    )
    if isinstance(given, str):
        if given not in READY:
            raise Refused(f"No such token: '{given}'", param="external_account", code="resource_missing")
        given = Described(account_number=US_NUMBER, country=READY[given], routing_number=US_ROUTING)
    country = given.country.upper()
    number = given.account_number.replace(" ", "").upper()
    check_number(country, number)
    require(
        country != "US" or given.routing_number,
        "You must supply a routing number for accounts in the US.",
        param="external_account[routing_number]",
    )
    return BankAccount(
        account=account.id,
        account_holder_name=given.account_holder_name,
        account_holder_type=given.account_holder_type,
        account_type=given.account_type,
        bank_name=BANK,
        country=country,
        currency=given.currency or account.default_currency,
        fingerprint=instruments.fingerprint(number),
        last4=number[-4:],
        routing_number=given.routing_number,
    )


def check_number(country: str, number: str) -> None:
    """Refuse a number that is not that of a test account: real ones have no place here."""
    kinds = ("us_bank_account", "sepa_debit", "bacs_debit", "au_becs_debit", "acss_debit", "nz_bank_account")
    if any(isinstance(accounts.find(number, kind), Account) for kind in kinds):
        return
    wrong = accounts.wrong_number("sepa_debit" if number[:2] == country else "us_bank_account")
    if isinstance(wrong, Declined):
        raise Refused(wrong.message, param="external_account[account_number]", code=wrong.code)


def of_currency(tx: Tx, account: ConnectedAccount, currency: str) -> list[BankAccount]:
    return rows.select(
        tx,
        BankAccount,
        "account = %(account)s and currency = %(currency)s",
        account=account.id,
        currency=currency,
    )


def undo_default(tx: Tx, others: list[BankAccount]) -> None:
    rows.update_many(
        tx, [(one, {"default_for_currency": False}) for one in others if one.default_for_currency]
    )


class Update(Params):
    account_holder_name: str | None = f.line(unset=True)
    account_holder_type: str | None = f.choice(SHOWN, *HOLDERS, unset=True)
    account_type: str | None = f.choice(SHOWN, *TYPES)
    default_for_currency: bool | None = f.boolean()
    metadata: dict[str, str] = f.metadata()


def found_of(tx: Tx, account: ConnectedAccount, id: str) -> BankAccount:
    found = rows.find_many(tx, BankAccount, [id]).get(id)
    if found is None or found.account != account.id:
        raise Refused(f"No such external account: '{id}'", param="id", code="resource_missing", status=404)
    return found


@ConnectedAccount.below("GET", "external_accounts/{bank_account}", of=ConnectedAccount)
def retrieve(tx: Tx, account: ConnectedAccount, id: str) -> BankAccount:
    """Retrieve a bank account of a connected account."""
    return found_of(tx, account, id)


@ConnectedAccount.below("POST", "external_accounts/{bank_account}", Update, of=ConnectedAccount)
def update(tx: Tx, account: ConnectedAccount, id: str, wanted: Update) -> BankAccount:
    """Update a bank account of a connected account, or make it the default of its currency."""
    found, sent = found_of(tx, account, id), wanted.sent()
    require(
        sent.get("default_for_currency") is not False or not found.default_for_currency,
        "Make another external account the default instead of unsetting this one.",
        param="default_for_currency",
    )
    changes: dict[str, Any] = {name: value for name, value in sent.items() if name != "metadata"}
    if sent.get("default_for_currency"):
        undo_default(tx, [one for one in of_currency(tx, account, found.currency) if one.id != id])
    if "metadata" in sent:
        changes["metadata"] = merged_value(found, "metadata", sent["metadata"])
    return rows.update(tx, found, **changes)


@ConnectedAccount.below("DELETE", "external_accounts/{bank_account}", of=ConnectedAccount)
def delete(tx: Tx, account: ConnectedAccount, id: str) -> dict[str, Any]:
    """Delete a bank account of a connected account, but for the default of the account's currency."""
    found = found_of(tx, account, id)
    require(
        not (found.default_for_currency and found.currency == account.default_currency),
        "You cannot delete the default external account for your default currency. Please make another"
        " external account the default using the `default_for_currency` param, and then delete this one.",
    )
    return rows.delete(tx, found)


def page_of(tx: Tx, id: str, wanted: listing.Paging, kind: str | None) -> listing.Page:
    """List the bank accounts of a connected account; it has no cards."""
    url = f"/v1/accounts/{id}/external_accounts"
    if kind == "card":
        return listing.empty(tx, "external account", wanted, url)
    return listing.below(tx, BankAccount, Where("account = %(account)s", account=id), wanted, url)
