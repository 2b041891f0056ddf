"""Create the addresses at which the holders of connected accounts say what is missing."""

from datetime import timedelta
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params
from billow.api.resource import route
from billow.core.errors import Refused, require
from billow.flows.papers import links
from billow.resources.connected_account import ConnectedAccount
from billow.store.ids import new_id
from billow.store.tx import Tx

GOOD_FOR = timedelta(minutes=5)
"""How long an address can be opened first, as at Stripe."""
AT_MOST = timedelta(hours=1)
"""How long the page that was opened can be used."""


class Collection(Params):
    fields: str | None = f.choice(f.SHOWN, "currently_due", "eventually_due")
    future_requirements: str | None = f.choice(f.SHOWN, "include", "omit")


class Create(Params):
    account: str = f.ref("account", required=True)
    collect: str | None = f.choice(f.SHOWN, "currently_due", "eventually_due")
    collection_options: Collection | None = f.nested(shape=Collection)
    refresh_url: str | None = f.url()
    return_url: str | None = f.url()
    type: str = f.choice(f.SHOWN, "account_onboarding", "account_update", required=True)


@route("POST", "/v1/account_links", Create)
def create(tx: Tx, wanted: Create) -> dict[str, Any]:
    """Create an address for the holder of an account; an earlier one is no longer valid."""
    account = rows.lock(tx, ConnectedAccount, wanted.account, param="account")
    for name in ("refresh_url", "return_url"):
        given = getattr(wanted, name)
        if given is None:
            raise Refused(f"You must provide a {name}.", param=name, code="parameter_missing")
    return {"object": "account_link", **made(tx, account, wanted.return_url, wanted.refresh_url)}


@ConnectedAccount.action("login_links")
def log_in(tx: Tx, account: ConnectedAccount) -> dict[str, Any]:
    """Create an address at which the holder of an Express account sees and changes the account's details."""
    dashboard = account.controller["stripe_dashboard"]["type"]
    require(
        dashboard == "express",
        f"Cannot create a login link for {account.id}, which has no access to the Express Dashboard.",
        param="account",
    )
    require(
        account.details_submitted,
        "Cannot create a login link for an account that has not completed onboarding.",
        param="account",
    )
    shown = made(tx, account, None, None)
    return {"object": "login_link", "created": shown["created"], "url": shown["url"]}


def made(tx: Tx, account: ConnectedAccount, back: str | None, again: str | None) -> dict[str, Any]:
    """Make an address, and keep where it leads afterwards."""
    id, until = new_id("alink_"), int((tx.wall + GOOD_FOR).timestamp())
    link = {"id": id, "expires_at": until, "opened_at": None, "return_url": back, "refresh_url": again}
    rows.update(tx, account, event=None, link=link)
    address = links.account(tx, f"{account.id}.{id}")
    return {"created": int(tx.wall.timestamp()), "expires_at": until, "url": address}


def open_link(tx: Tx, account: ConnectedAccount, id: str) -> bool:
    """Check that an address may be used now: opened within minutes, and used within the hour after that."""
    link, now = account.link or {}, int(tx.wall.timestamp())
    if link.get("id") != id:
        return False
    if link["opened_at"] is None:
        if now > link["expires_at"]:
            return False
        rows.update(tx, account, event=None, link={**link, "opened_at": now})
        return True
    return bool(now <= link["opened_at"] + AT_MOST.total_seconds())
