"""Create the catalog and the customers of Nimbus, a small cloud company."""

from dataclasses import dataclass
from datetime import UTC, datetime

from billow.demonstration.client import Client, Json

START = datetime(2026, 1, 1, tzinfo=UTC)

METERS = {
    "compute_hours": ("Compute hours", "sum"),
    "stored_gb": ("Object storage", "last"),
    "api_calls": ("API calls", "sum"),
}

PRICES: dict[str, Json] = {
    "Small server": {"unit_amount": 1800},
    "Compute hours": {
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "tiers": [
            {"up_to": 1000, "unit_amount_decimal": "4.5"},
            {"up_to": 10000, "unit_amount_decimal": "3.8"},
            {"up_to": "inf", "unit_amount_decimal": "2.9"},
        ],
    },
    "Object storage": {
        "billing_scheme": "tiered",
        "tiers_mode": "volume",
        "tiers": [
            {"up_to": 500, "unit_amount_decimal": "2.3"},
            {"up_to": 5000, "unit_amount_decimal": "1.9"},
            {"up_to": "inf", "unit_amount_decimal": "1.55"},
        ],
    },
    "API calls": {"unit_amount": 40, "transform_quantity": {"divide_by": 10000, "round": "up"}},
}
MODELS = {
    "Small server": "18.00 a month each",
    "Compute hours": "graduated: each hour by its tier",
    "Object storage": "volume: all gigabytes by the tier of the last reading",
    "API calls": "package: 0.40 for every started 10,000",
}


@dataclass(frozen=True, slots=True)
class Company:
    """A customer of Nimbus: `size` scales its usage, `pays` is a test card or "invoice" (30 days)."""

    name: str
    servers: int
    size: int
    pays: str = "pm_card_visa"
    trial_days: int | None = None


COMPANIES = [
    Company("Acme Robotics", 6, 8),
    Company("Blue Harbor", 2, 2, "pm_card_mastercard"),
    Company("Cedar Analytics", 4, 6),
    Company("Delta Freight", 3, 3, "pm_card_amex"),
    Company("Ember Games", 9, 7),
    Company("Fjord Media", 2, 4, "pm_card_visa_debit"),
    Company("Granite Bank", 5, 3, "invoice"),
    Company("Helio Energy", 1, 1, "pm_card_discover"),
    Company("Iris Health", 3, 2),
    Company("Juniper Shop", 2, 0, trial_days=14),
    Company("Kite Travel", 2, 2),
    Company("Lumen School", 1, 1, "pm_card_jcb"),
]


@dataclass(frozen=True, slots=True)
class Nimbus:
    """The company on its first day: ids by name."""

    clock: str
    customers: dict[str, str]
    prices: dict[str, str]


def founded(client: Client) -> Nimbus:
    """Create the catalog, the customers with their cards, and their subscriptions, on a test clock."""
    clock, prices = client.clock(START, "Nimbus"), catalog(client)
    customers = {company.name: joined(client, clock, company, prices) for company in COMPANIES}
    return Nimbus(clock, customers, prices)


def catalog(client: Client) -> dict[str, str]:
    meters = {
        name: client.post(
            "/v1/billing/meters",
            display_name=name,
            event_name=event_name,
            default_aggregation={"formula": formula},
        )["id"]
        for event_name, (name, formula) in METERS.items()
    }
    prices = {}
    for name, amounts in PRICES.items():
        metered = {"usage_type": "metered", "meter": meters[name]} if name in meters else {}
        product = client.post("/v1/products", name=name)["id"]
        prices[name] = client.post(
            "/v1/prices",
            product=product,
            currency="usd",
            recurring={"interval": "month", **metered},
            **amounts,
        )["id"]
    return prices


def joined(client: Client, clock: str, company: Company, prices: dict[str, str]) -> str:
    """Create a customer with a payment method and a subscription: servers in advance, usage in arrears."""
    domain = company.name.lower().replace(" ", "-")
    id: str = client.post(
        "/v1/customers", name=company.name, email=f"billing@{domain}.example", test_clock=clock
    )["id"]
    measured = [{"price": price} for name, price in prices.items() if name != "Small server" and company.size]
    terms: Json = {"trial_period_days": company.trial_days}
    if company.pays == "invoice":
        terms.update(collection_method="send_invoice", days_until_due=30)
    else:
        give_card(client, id, company.pays)
    servers = {"price": prices["Small server"], "quantity": company.servers}
    client.post("/v1/subscriptions", customer=id, items=[servers, *measured], **terms)
    return id


def give_card(client: Client, customer: str, card: str) -> None:
    """Make a card the customer's default payment method."""
    method = client.post(f"/v1/payment_methods/{card}/attach", customer=customer)["id"]
    client.post(f"/v1/customers/{customer}", invoice_settings={"default_payment_method": method})
