"""Show and change the account of an API key, and show its balance."""

from collections.abc import Mapping, Sequence
from typing import Any

from billow.api import fields as f
from billow.api import listing, render, rows
from billow.api.listing import Page, Paging
from billow.api.params import Params, merged
from billow.api.resource import route
from billow.core.errors import Inconsistent, Refused
from billow.core.seller import Seller
from billow.flows.outside import home_currency
from billow.flows.outside.merchant import merchant_of
from billow.flows.outside.outside import has_gateway, outside_of
from billow.flows.outside.seller import Profile, default_tax_ids, profile_of, seller_of, store
from billow.flows.platform import connected_accounts, profiles
from billow.flows.platform.external_accounts import page_of
from billow.resources import connected_account as accounts
from billow.resources import tax_id as tax_ids
from billow.resources.connected_account import (
    NOTHING_DUE,
    Branding,
    BusinessProfile,
    CardPayments,
    Company,
    ConnectedAccount,
    Statement,
)
from billow.store.tx import Tx


@route("GET", "/v1/account")
def retrieve_own(tx: Tx) -> dict[str, Any]:
    """Retrieve the account of the API key."""
    known, seller = profile_of(tx), seller_of(tx)
    created = tx.one("select created from accounts where id = %(id)s", id=tx.account)
    if created is None:
        raise Inconsistent(f"There is no account {tx.account}.")
    return {
        "id": tx.account,
        "object": "account",
        "business_profile": business(tx, known, seller),
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "inactive"},
        "charges_enabled": has_gateway(tx),
        "company": company(known, seller),
        "controller": {"type": "account"},
        "country": known.country,
        "created": int(created["created"].timestamp()),
        "default_currency": known.default_currency,
        "details_submitted": True,
        "email": seller.email or None,
        "external_accounts": render.page([], False, f"/v1/accounts/{tx.account}/external_accounts"),
        "future_requirements": NOTHING_DUE,
        "groups": {"payments_pricing": None},
        "individual": None,
        "metadata": known.seller.get("metadata") or {},
        "payouts_enabled": has_gateway(tx),
        "requirements": NOTHING_DUE,
        "settings": settings(tx, known, seller),
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "standard",
    }


@route("POST", "/v1/accounts/{id}", connected_accounts.Update)
def update(tx: Tx, id: str, wanted: connected_accounts.Update) -> dict[str, Any] | ConnectedAccount:
    """Update the account of the API key, as its papers show it, or one that is connected to it."""
    if id != tx.account:
        return connected_accounts.update(tx, rows.lock(tx, ConnectedAccount, connected(tx, id).id), wanted)
    return update_own(tx, wanted)


class Own(Params):
    """What an account says of itself; the rest is what a platform says of an account that is connected."""

    business_profile: accounts.BusinessProfile | None = f.nested(shape=accounts.BusinessProfile)
    company: accounts.Company | None = f.nested(shape=accounts.Company)
    default_currency: str | None = f.currency()
    email: str | None = f.email(unset=True)
    metadata: dict[str, str] = f.metadata()
    settings: accounts.Settings | None = f.nested(shape=accounts.Settings)


@route("POST", "/v1/account", Own)
def update_own(tx: Tx, wanted: Own | connected_accounts.Update) -> dict[str, Any]:
    """Update what the account of the API key says of itself: its papers show it, in both modes."""
    sent = wanted.sent()
    for name in sorted(set(sent) - {spec.name for spec in f.declared(Own).values()}):
        raise Refused(f"You cannot change `{name}` of your own account.", param=name)
    tx.one("select id from accounts where id = %(id)s for update", id=tx.account)
    known = profile_of(tx)
    changes: dict[str, Any] = {}
    for name in ("business_profile", "company", "settings"):
        if sent.get(name):
            changes[name] = changed(getattr(known, name), given_of(sent[name]))
    own = dict(known.seller)
    if "email" in sent:
        own["email"] = sent["email"] or ""
    if "metadata" in sent:
        own["metadata"] = merged(own.get("metadata") or {}, wanted.metadata)
    chosen = changes.get("settings", {}).get("invoices", {})
    if "default_account_tax_ids" in chosen:
        mode = "live" if tx.livemode else "test"
        ids = check_tax_ids(tx, chosen.pop("default_account_tax_ids") or [])
        own["default_tax_ids"] = {**(own.get("default_tax_ids") or {}), mode: ids}
    if sent.get("default_currency"):
        changes["default_currency"] = sent["default_currency"]
        own[home_currency.CHOSEN] = True
    if own != known.seller:
        changes["seller"] = own
    changes |= profiles.logo_changes(tx, changes.get("settings"), known.settings)
    if changes:
        store(tx, tx.account, **changes)
    return retrieve_own(tx)


def given_of(part: Params) -> dict[str, Any]:
    """Return what a request says of a hash, and of the hashes in it, without what it leaves out."""
    return {
        name: given_of(value) if isinstance(value, Params) else rows.plain_value(value)
        for name, value in part.sent().items()
    }


def changed(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a hash with what was given in it; hashes in it are changed likewise."""
    now = dict(before)
    for name, value in given.items():
        old = now.get(name)
        inside = isinstance(value, Mapping) and isinstance(old, Mapping)
        now[name] = changed(old, value) if inside and old else value
    return now


def check_tax_ids(tx: Tx, ids: Sequence[str]) -> list[str]:
    at = "settings[invoices][default_account_tax_ids]"
    return tax_ids.of_account(tx, ids, at)


@route("GET", "/v1/accounts/{id}")
def retrieve(tx: Tx, id: str) -> dict[str, Any] | ConnectedAccount:
    """Retrieve the account of the API key, or one that is connected to it."""
    if id == tx.account:
        return retrieve_own(tx)
    return connected(tx, id)


def connected(tx: Tx, id: str) -> ConnectedAccount:
    """Find a connected account; refuse one that the key's account has not."""
    found = rows.find_many(tx, ConnectedAccount, [id]).get(id)
    if found is None:
        raise Refused(
            f"The provided key does not have access to account '{id}' (or that account does not exist)."
            " Application access may have been revoked.",
            status=403,
            code="account_invalid",
        )
    return found


class ExternalAccounts(Paging):
    object: str | None = f.choice(f.SHOWN, "bank_account", "card")


@route("GET", "/v1/accounts/{account}/external_accounts", ExternalAccounts)
def external_accounts(tx: Tx, id: str, wanted: ExternalAccounts) -> Page:
    """List the bank accounts to which a connected account is paid out; one's own are at the gateway."""
    if id != tx.account:
        return page_of(tx, connected(tx, id).id, wanted, wanted.object)
    return listing.empty(tx, "external account", wanted, f"/v1/accounts/{id}/external_accounts")


def business(tx: Tx, known: Profile, seller: Seller) -> dict[str, Any]:
    """Return what customers are told of the business: what is not set, by what papers say."""
    said = {
        "name": seller.name or None,
        "support_email": seller.email or None,
        "url": outside_of(tx).base_url or None,
    }
    return overlaid(f.blank(BusinessProfile, {}), said, known.business_profile)


def company(known: Profile, seller: Seller) -> dict[str, Any]:
    blank = f.blank(Company, {})
    blank.pop("phone", None)
    blank.pop("structure", None)
    said = {"name": seller.name or None, "tax_id_provided": bool(seller.tax_ids)}
    address = {**blank["address"], "country": known.country}
    return overlaid({**blank, "address": address}, said, known.company)


def settings(tx: Tx, known: Profile, seller: Seller) -> dict[str, Any]:
    """Return Stripe's settings: names and colours of papers, their tax ids and the name on statements."""
    descriptor = seller.name.upper()[:22] if seller.name else None
    default = default_tax_ids(tx) or None
    shown: dict[str, Any] = overlaid(
        {
            "branding": f.blank(Branding, {}),
            "card_payments": f.blank(CardPayments, {}),
            "dashboard": {"display_name": seller.name or None, "timezone": zone_shown(seller)},
            "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": None},
            "payments": {**f.blank(Statement, {}), "statement_descriptor": descriptor},
        },
        {"branding": {"primary_color": seller.primary_color or merchant_of(tx).primary_color}},
        {name: value for name, value in known.settings.items() if name != "payouts"},
    )
    shown["invoices"]["default_account_tax_ids"] = default
    return shown


def zone_shown(seller: Seller) -> str:
    return "Etc/UTC" if seller.time_zone == "UTC" else seller.time_zone


def overlaid(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return hashes laid over one another: what a later one says counts, unless it says nothing."""
    shown: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            if isinstance(value, Mapping) and isinstance(shown.get(name), Mapping):
                shown[name] = overlaid(shown[name], value)
            elif value is not None or name not in shown:
                shown[name] = value
    return shown


@route("GET", "/v1/balance")
def balance(tx: Tx) -> dict[str, Any]:
    """Retrieve what the gateway owes the account by currency, available and pending.

    What leaves the balance, such as a refund, is not available from then on.
    """
    found = tx.all(
        "select currency, coalesce(sum(net) filter (where usable), 0) as available,"
        " coalesce(sum(net) filter (where not usable), 0) as pending from (select currency, net,"
        " available_on <= %(now)s or net < 0 and reporting_category <> 'conversion' as usable"
        " from balance_transactions) moved group by currency order by currency",
        now=tx.now,
    )
    if not found:
        account = tx.one("select default_currency from accounts where id = %(id)s", id=tx.account)
        if account is None:
            raise Inconsistent(f"There is no account {tx.account}.")
        found = [{"currency": account["default_currency"], "available": 0, "pending": 0}]

    def amounts(part: str) -> list[dict[str, Any]]:
        return [
            {"amount": int(row[part]), "currency": row["currency"], "source_types": {"card": int(row[part])}}
            for row in found
        ]

    return {
        "object": "balance",
        "available": amounts("available"),
        "livemode": tx.livemode,
        "pending": amounts("pending"),
        "refund_and_dispute_prefunding": {
            "available": [{**row, "amount": 0, "source_types": {"card": 0}} for row in amounts("available")],
            "pending": [{**row, "amount": 0, "source_types": {"card": 0}} for row in amounts("pending")],
        },
    }
