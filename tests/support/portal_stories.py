"""A customer of a small cloud company, about whom every screen of the portal has something to say."""

from typing import Any

from tests.support.world import Customer, World, seconds

FEATURES: dict[str, Any] = {
    "customer_update": {"enabled": True, "allowed_updates": ["name", "email", "address", "tax_id"]},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": True},
}


def furnished(world: World, name: str = "ann", **more: Any) -> tuple[Customer, dict[str, Any]]:
    """Return a customer with a plan of 20.00 and 0.10 for each of 300 calls in 10 of 30 days; and a session.

    There is a credit note of 5.00, a grant of 8.00 and a feature.
    """
    world.at("2025-04-01")
    product = world.post("/v1/products", name="Cloud Pro")["id"]
    feature = world.post("/v1/entitlements/features", name="Private networks", lookup_key="networks")["id"]
    world.post(f"/v1/products/{product}/features", entitlement_feature=feature)
    month = {"interval": "month"}
    pro = world.post("/v1/prices", product=product, currency="usd", unit_amount=2000, recurring=month)["id"]
    more_of = world.post(
        "/v1/prices", product=product, currency="usd", unit_amount=5000, recurring=month, nickname="L"
    )["id"]
    meter = world.meter("calls")
    calls = world.post(
        "/v1/prices",
        product=product,
        currency="usd",
        unit_amount=10,
        recurring={**month, "usage_type": "metered", "meter": meter},
    )["id"]
    update = {
        "enabled": True,
        "default_allowed_updates": ["price", "quantity"],
        "products": [{"product": product, "prices": [pro, more_of]}],
        "proration_behavior": "always_invoice",
    }
    world.post("/v1/billing_portal/configurations", features={**FEATURES, "subscription_update": update})
    ann = world.customer(name, **more)
    ann.subscribes_to(pro)
    ann.subscribes_to(calls)
    [invoice] = [
        one["id"] for one in world.get("/v1/invoices", customer=ann.id)["data"] if one["total"] == 2000
    ]
    world.post("/v1/credit_notes", invoice=invoice, amount=500, credit_amount=500)
    scope = {"scope": {"price_type": "metered"}}
    value = {"type": "monetary", "monetary": {"currency": "usd", "value": 800}}
    world.post(
        "/v1/billing/credit_grants", customer=ann.id, name="Welcome", amount=value, applicability_config=scope
    )
    world.at("2025-04-11")
    uses(world, ann)
    return ann, world.post("/v1/billing_portal/sessions", customer=ann.id)


def uses(world: World, ann: Customer) -> None:
    for day in range(1, 11):
        at = f"2025-04-{day:02} 12:00"
        for region, value in (("eu-west", 20), ("=us+east", 10)):
            payload = {"stripe_customer_id": ann.id, "value": value, "region": region}
            world.post("/v1/billing/meter_events", event_name="calls", payload=payload, timestamp=seconds(at))
