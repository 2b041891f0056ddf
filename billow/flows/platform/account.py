"""Show the account of an API key, and its balance."""

from typing import Any

from billow.api import fields as f
from billow.api import listing, render, rows
from billow.api.listing import Page, Paging
from billow.api.resource import route
from billow.core.errors import Inconsistent, Refused
from billow.flows.outside.merchant import merchant_of
from billow.flows.outside.outside import has_gateway, outside_of
from billow.flows.platform.external_accounts import page_of
from billow.resources.connected_account import NOTHING_DUE, ConnectedAccount
from billow.store.tx import Tx

NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}


@route("GET", "/v1/account")
def retrieve_own(tx: Tx) -> dict[str, Any]:
    """Retrieve the account of the API key."""
    found = tx.one(
        "select name, country, default_currency, created from accounts where id = %(id)s", id=tx.account
    )
    if found is None:
        raise Inconsistent(f"There is no account {tx.account}.")
    name = found["name"] or outside_of(tx).seller_name or None
    return {
        "id": tx.account,
        "object": "account",
        "business_profile": business(tx, name),
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "inactive"},
        "charges_enabled": has_gateway(tx),
        "company": company(name, found["country"]),
        "controller": {"type": "account"},
        "country": found["country"],
        "created": int(found["created"].timestamp()),
        "default_currency": found["default_currency"],
        "details_submitted": True,
        "email": outside_of(tx).mail_from or None,
        "external_accounts": render.page([], False, f"/v1/accounts/{tx.account}/external_accounts"),
        "future_requirements": NOTHING_DUE,
        "groups": {"payments_pricing": None},
        "individual": None,
        "metadata": {},
        "payouts_enabled": has_gateway(tx),
        "requirements": NOTHING_DUE,
        "settings": settings(name, merchant_of(tx).primary_color),
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "standard",
    }


@route("GET", "/v1/accounts/{id}")
def retrieve(tx: Tx, id: str) -> dict[str, Any] | ConnectedAccount:
    """Retrieve the account of the API key, or one that is connected to it."""
    if id == tx.account:
        return retrieve_own(tx)
    return _connected(tx, id)


def _connected(tx: Tx, id: str) -> ConnectedAccount:
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
        return page_of(tx, _connected(tx, id).id, wanted, wanted.object)
    return listing.empty(tx, "external account", wanted, f"/v1/accounts/{id}/external_accounts")


def business(tx: Tx, name: str | None) -> dict[str, Any]:
    return {
        "annual_revenue": None,
        "estimated_worker_count": None,
        "mcc": None,
        "minority_owned_business_designation": None,
        "name": name,
        "product_description": None,
        "support_address": None,
        "support_email": outside_of(tx).mail_from or None,
        "support_phone": None,
        "support_url": None,
        "url": outside_of(tx).base_url or None,
    }


def company(name: str | None, country: str) -> dict[str, Any]:
    return {
        "address": {**NO_ADDRESS, "country": country},
        "directors_provided": False,
        "executives_provided": False,
        "name": name,
        "owners_provided": False,
        "tax_id_provided": False,
        "verification": {"document": {"back": None, "details": None, "details_code": None, "front": None}},
    }


def settings(name: str | None, color: str | None) -> dict[str, Any]:
    """Return Stripe's settings; here the names on invoices and statements and the colour have a meaning."""
    descriptor = name.upper()[:22] if name else None
    return {
        "branding": {"icon": None, "logo": None, "primary_color": color, "secondary_color": None},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": name, "timezone": "Etc/UTC"},
        "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": None},
        "payments": {
            "statement_descriptor": descriptor,
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
        },
    }


@route("GET", "/v1/balance")
def balance(tx: Tx) -> dict[str, Any]:
    """Retrieve what the gateway owes the account by currency, available and pending."""
    found = tx.all(
        "select currency, coalesce(sum(net) filter (where available_on <= %(now)s), 0) as available,"
        " coalesce(sum(net) filter (where available_on > %(now)s), 0) as pending"
        " from balance_transactions group by currency order by currency",
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
