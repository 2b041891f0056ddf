"""Say what each role may do: one table for the pages, the acts and the tests."""

from collections.abc import Mapping
from typing import Final

ROLES: Final = ("owner", "admin", "finance", "support", "developer", "read_only", "auditor")

MATRIX: Final[Mapping[str, str]] = {
    #                  o a f s d r a
    "customers.read": "y y y y y y y",
    "customers.write": "y y y y t - -",
    "exports.read": "y y y - - - y",
    "reports.read": "y y y - - y y",
    "events.read": "y y y y y - y",
    "events.send": "y y - - y - -",
    "subscriptions.write": "y y y y t - -",
    "catalog.write": "y y y - t - -",
    "invoices.write": "y y y y - - -",
    "invoices.send": "y y y y - - -",
    "invoices.charge": "y y y - - - -",
    "credits.write": "y y y - - - -",
    "keys.read": "y y - - y - y",
    "keys.write": "y y - - t - -",
    "clocks.read": "t t - - t - t",
    "clocks.write": "t t - - t - -",
    "approvals.read": "y y y - - - y",
    "ledger.read": "y y y - - - y",
    "periods.write": "y - y - - - -",
    "bank.read": "y y y - - - y",
    "bank.write": "y y y - - - -",
    "runs.write": "y y y - - - -",
    "settings.read": "y y y - - y y",
    "settings.write": "y y - - - - -",
    "operators.read": "y y - - - - y",
    "operators.write": "y y - - - - -",
    "audit.read": "y y - - - - y",
}
"""Which roles have a right, in the order of ROLES: y yes, t in test mode only, - no."""

GRANTED_BY: Final[Mapping[str, tuple[str, ...]]] = {"owner": ROLES, "admin": ROLES[1:]}
"""The roles that each role may give to others: nobody makes an owner but an owner."""


def may(role: str, right: str, mode: str = "test") -> bool:
    """Tell whether a role has a right in a mode; raise KeyError for a right that there is not.

    >>> may("finance", "invoices.charge"), may("support", "invoices.charge")
    (True, False)
    >>> may("developer", "subscriptions.write"), may("developer", "subscriptions.write", "live")
    (True, False)
    """
    given = MATRIX[right].split()[ROLES.index(role)]
    return given == "y" or (given == "t" and mode == "test")


def having(right: str, mode: str = "test") -> list[str]:
    """Return the roles that have a right in a mode."""
    return [role for role in ROLES if may(role, right, mode)]
