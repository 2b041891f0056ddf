"""Copy what an account says of its business to where its papers find it, with its logo."""

from collections.abc import Mapping
from typing import Any

from billow.api import rows
from billow.core.errors import require
from billow.flows.outside import seller
from billow.resources.connected_account import ConnectedAccount
from billow.resources.file import File
from billow.store import contents
from billow.store.tx import Tx

PRINTED = ("png", "jpg", "svg")
MOST = 512 << 10
AT = "settings[branding][logo]"


def logo_changes(
    tx: Tx, settings: Mapping[str, Any] | None, before: Mapping[str, Any]
) -> dict[str, bytes | None]:
    """Return the bytes of a new logo, as a column to write; nothing where the logo is the same.

    Files belong to a mode and an account to both, so the account keeps the bytes.
    """
    if settings is None:
        return {}
    wanted = (settings.get("branding") or {}).get("logo")
    if wanted == (before.get("branding") or {}).get("logo"):
        return {}
    if not wanted:
        return {"logo": None}
    file = rows.find(tx, File, wanted, param=AT)
    require(file.type in PRINTED, "A logo on papers is a PNG or JPEG.", param=AT)
    require(file.size <= MOST, f"A logo has at most {MOST >> 10} KiB.", param=AT)
    return {"logo": contents.read(tx, file.id)}


def copy(tx: Tx, account: ConnectedAccount, before: Mapping[str, Any]) -> None:
    """Copy what a platform says of a connected account to that account's papers."""
    hashes = {
        "business_profile": dict(account.business_profile),
        "company": dict(account.company or {}),
        "settings": dict(account.settings),
    }
    seller.store(tx, account.id, **hashes, **logo_changes(tx, account.settings, before))
