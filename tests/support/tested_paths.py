"""The paths whose every parameter and filter is tested."""

from billow.api.operation import verbs
from billow.api.resource import ROUTES, Verb

PATHS = (
    *("/v1/account", "/v1/balance", "/v1/balance_transactions", "/v1/billing/meters", "/v1/charges"),
    *("/v1/coupons", "/v1/customers", "/v1/entitlements", "/v1/events", "/v1/file_links", "/v1/files"),
    *("/v1/plans", "/v1/prices", "/v1/products", "/v1/promotion_codes", "/v1/quotes", "/v1/refunds"),
    "/v1/product_catalog/trial_offers",
    *("/v1/shipping_rates", "/v1/subscription_items", "/v1/subscription_schedules", "/v1/subscriptions"),
    *("/v1/tax_codes", "/v1/tax_ids", "/v1/tax_rates", "/v1/test_helpers/test_clocks"),
    *("/v1/webhook_endpoints", "/v2/core/event_destinations", "/v2/core/events"),
)

WRITTEN = ("/v1/invoices", "/v1/invoiceitems")
"""More of which every parameter is tested, and not every filter."""
APART = ("/v1/invoices/create_preview",)
"""What tests of its own compare with the real requests (tests/flows/previews)."""


def is_tested(path: str) -> bool:
    """Check whether a path is one of PATHS or below one."""
    return any(f"{path}/".startswith(f"{noun}/") for noun in PATHS)


def operations(method: str) -> list[Verb]:
    """List the operations of a method whose parameters are tested: those of the newest version."""
    now = [verb for verb in verbs(ROUTES) if not verb.until]
    more = WRITTEN if method != "GET" else ()
    return [
        verb
        for verb in now
        if verb.method == method
        and verb.path not in APART
        and (is_tested(verb.path) or any(f"{verb.path}/".startswith(f"{path}/") for path in more))
    ]
