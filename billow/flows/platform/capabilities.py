"""Show and request the capabilities of a connected account."""

from typing import Any

from billow.api import fields as f
from billow.api import render
from billow.api.params import Params, made
from billow.api.resource import route
from billow.core.errors import Refused
from billow.flows.platform import connected_accounts
from billow.flows.platform.account import connected, retrieve_own
from billow.resources import connected_account as accounts
from billow.resources.connected_account import CAPABILITIES, NOTHING_DUE, ConnectedAccount, capability
from billow.store.tx import Tx


def nothing_due(name: str, state: str, account: str) -> dict[str, Any]:
    """Return a capability of the key's own account, which is not asked for."""
    return {
        "id": name,
        "object": "capability",
        "account": account,
        "future_requirements": NOTHING_DUE,
        "requested": state != "unrequested",
        "requested_at": None,
        "requirements": NOTHING_DUE,
        "status": state,
    }


def shown_of(tx: Tx, id: str, name: str | None = None) -> list[dict[str, Any]]:
    """Return the capabilities of an account: those that it has asked for, or the one of this name."""
    if id == tx.account:
        own = retrieve_own(tx)["capabilities"]
        names = [name] if name else sorted(own)
        return [nothing_due(one, own.get(one, "unrequested"), id) for one in names]
    account = connected(tx, id)
    names = [name] if name else sorted(account.capabilities)
    return [capability(account, one, tx.now) for one in names]


@route("GET", "/v1/accounts/{account}/capabilities")
def everything(tx: Tx, id: str) -> dict[str, Any]:
    """List the capabilities that an account has asked for."""
    return render.page(shown_of(tx, id), False, f"/v1/accounts/{id}/capabilities")


@route("GET", "/v1/accounts/{account}/capabilities/{capability}")
def one(tx: Tx, id: str, name: str) -> dict[str, Any]:
    """Retrieve a capability of an account; one that was not asked for is `unrequested`."""
    check(name)
    return shown_of(tx, id, name)[0]


def check(name: str) -> None:
    if name not in CAPABILITIES:
        raise Refused(
            f"No such capability: '{name}'", param="capability", code="resource_missing", status=404
        )


class Update(Params):
    requested: bool | None = f.boolean()


@ConnectedAccount.below("POST", "capabilities/{capability}", Update, of=ConnectedAccount)
def update(tx: Tx, account: ConnectedAccount, name: str, wanted: Update) -> dict[str, Any]:
    """Request a capability for a connected account, or request it no longer. Emits `capability.updated`.

    It is active once the account can charge.
    """
    check(name)
    if wanted.requested is not None:
        asked = {name: accounts.Requested(requested=wanted.requested)}
        account = connected_accounts.update(tx, account, made(connected_accounts.Update, capabilities=asked))
    return capability(account, name, tx.now)
