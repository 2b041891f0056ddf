"""Connected accounts that can charge: their holders have said what is due."""

from typing import Any

ACCEPTED = {
    "business_type": "company",
    "tos_acceptance[date]": "1735689600",
    "tos_acceptance[ip]": "203.0.113.7",
}


def enabled(api: Any, **more: Any) -> str:
    """Create a connected account that can charge and be paid; return its id."""
    made = api.post("/v1/accounts", {"type": "express", "country": "US", **ACCEPTED, **more})
    assert made["charges_enabled"], made
    return str(made["id"])
