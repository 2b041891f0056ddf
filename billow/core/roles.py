"""Say what each role may do: one table for the pages, the acts and the tests."""

from collections.abc import Mapping
from typing import Final

ROLES: Final = ("owner", "admin", "finance", "support", "developer", "read_only", "auditor")

MATRIX: Final[Mapping[str, str]] = {
    #                  o a f s d r a
    "customers.read": "y y y y y y y",
    "exports.read": "y y y - - - y",
    "reports.read": "y y y - - y y",
    "events.read": "y y y y y - y",
    "events.send": "y y - - y - -",
    "invoices.send": "y y y y - - -",
    "invoices.charge": "y y y - - - -",
    "credits.write": "y y y - - - -",
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
"""Which roles have a right, in the order of ROLES: y yes, - no."""

GRANTED_BY: Final[Mapping[str, tuple[str, ...]]] = {"owner": ROLES, "admin": ROLES[1:]}
"""The roles that each role may give to others: nobody makes an owner but an owner."""


def may(role: str, right: str) -> bool:
    """Tell whether a role has a right; raise KeyError for a right that there is not.

    >>> may("finance", "invoices.charge"), may("support", "invoices.charge")
    (True, False)
    """
    return MATRIX[right].split()[ROLES.index(role)] == "y"


def having(right: str) -> list[str]:
    """Return the roles that have a right."""
    return [role for role in ROLES if may(role, right)]
