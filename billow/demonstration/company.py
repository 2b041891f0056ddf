"""Create the seller, the catalog and the customers of Nimbus, a small cloud company in Berlin."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from billow.demonstration.calendar_year import Year
from billow.demonstration.client import Client, Json
from billow.demonstration.machine import Machine

SELLER = (
    "name=Nimbus GmbH",
    "line1=Wolkenstraße 1",
    "postal_code=10115",
    "city=Berlin",
    "country=DE",
    "tax_id=eu_vat:DE136695976",
    "statement=Amtsgericht Charlottenburg, HRB 000000",
    "email=billing@nimbus.example",
    "iban=DE02120300000000202051",
    "bic=BYLADEM1001",
    "color=#1D4FB8",
    "language=en",
    "time_zone=Europe/Berlin",
)
CURRENCIES = ("eur", "gbp", "usd")
METERS = {
    "compute_hours": ("Compute hours", "sum"),
    "stored_gb": ("Object storage", "last"),
    "api_calls": ("API calls", "sum"),
}
PRICES: dict[str, Json] = {
    "Small server": {"unit_amount": 1800},
    "Team workspace": {"unit_amount": 4900},
    "Support, a year": {"unit_amount": 240000},
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
"""Prices have the same figures in each currency."""
MODELS = {
    "Small server": "18.00 a month each",
    "Team workspace": "49.00 a month",
    "Support, a year": "2,400.00 a year, in advance",
    "Compute hours": "graduated: each hour by its tier",
    "Object storage": "volume: all gigabytes by the tier of the last reading",
    "API calls": "package: 0.40 for every started 10,000",
}


@dataclass(frozen=True, slots=True)
class Company:
    """A customer of Nimbus, from a day of its year on.

    `place` is its postal code, city and state. `size` scales its usage; who has none pays for a workspace.
    `joins` is a month from 0 on and a day: who has usage joins on the first, and who joins on a day 0 renews
    three days before the year's end. `pays` is a test card, or "invoice" (30 days).
    """

    name: str
    country: str
    place: str
    currency: str
    servers: int = 0
    size: int = 0
    joins: tuple[int, int] = (0, 1)
    pays: str = "pm_card_visa"
    vat: str | None = None
    language: str = "en"
    also: Json = field(default_factory=dict)


COMPANIES = [
    Company("Acme Robotics", "DE", "80331|München", "eur", 6, 8, vat="DE136695976", language="de"),
    Company("Blue Harbor", "SE", "111 22|Stockholm", "eur", 2, 2, vat="SE556000475501", language="sv"),
    Company("Cedar Analytics", "US", "94107|San Francisco|CA", "usd", 4, 6, pays="pm_card_mastercard"),
    Company("Delta Freight", "NL", "1012|Amsterdam", "eur", 3, 3, vat="NL004495445B01", pays="pm_card_amex"),
    Company("Ember Games", "GB", "EC1A|London", "gbp", 9, 7),
    Company("Fjord Media", "AT", "1010|Wien", "eur", 2, 4, (1, 1), vat="ATU13585627", language="de"),
    Company(
        "Granite Bank", "FR", "75001|Paris", "eur", 5, 3, pays="invoice", vat="FR40303265045", language="fr"
    ),
    Company("Helio Energy", "US", "73301|Austin|TX", "usd", 1, 1, (2, 1), pays="pm_card_discover"),
    Company("Iris Health", "IE", "D01|Dublin", "eur", 3, 2, vat="IE6388047V"),
    Company(
        "Juniper Shop",
        "DE",
        "20095|Hamburg",
        "eur",
        joins=(3, 9),
        language="de",
        also={"trial_period_days": 14},
    ),
    Company("Kite Travel", "US", "10001|New York|NY", "usd", 2, 2),
    Company("Lumen School", "FR", "69001|Lyon", "eur", joins=(1, 0), pays="pm_card_jcb", language="fr"),
    Company("Marie Laurent", "FR", "13001|Marseille", "eur", joins=(2, 14), language="fr"),
    Company("Nora Lindqvist", "SE", "411 03|Göteborg", "eur", joins=(4, 3), language="sv"),
    Company("Opal Events", "GB", "M1|Manchester", "gbp", joins=(1, 20)),
    Company(
        "Pine Studio", "CH", "8001|Zürich", "eur", joins=(6, 6), language="de", also={"trial_period_days": 30}
    ),
    Company("Quay Fashion", "US", "33101|Miami|FL", "usd", joins=(4, 18)),
    Company("Ridge Outdoor", "US", "80202|Denver|CO", "usd", 3, 2, (7, 1)),
    Company("Sable Law", "GB", "EH1|Edinburgh", "gbp", joins=(8, 11)),
    Company("Terra Foods", "DE", "50667|Köln", "eur", 4, 3, (9, 1), pays="pm_card_visa_debit", language="de"),
]
BY_NAME = {company.name: company for company in COMPANIES}


@dataclass(slots=True)
class Nimbus:
    """The company: ids by name."""

    clock: str
    prices: dict[str, str]
    customers: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)


def seated(machine: Machine) -> None:
    """Set up the seller, before its first invoice: where it is decides how invoices are numbered."""
    machine.ask("seller", "set", *SELLER)
    machine.client.post("/v1/account", default_currency=CURRENCIES[0])


def founded(machine: Machine, year: Year) -> Nimbus:
    """Set up taxes and exchange rates, the test clock and the catalog."""
    client = machine.client
    client.post(
        "/v1/tax/settings",
        head_office={"address": {"country": "DE", "city": "Berlin"}},
        defaults={"tax_code": "txcd_10103001"},
    )
    standard = {"type": "standard", "standard": {"place_of_supply_scheme": "standard"}}
    for options in (standard, {"type": "oss_union"}):
        client.post(
            "/v1/tax/registrations",
            active_from=int(year.start.timestamp()),
            country="DE",
            country_options={"de": options},
        )
    load_rates(machine, year.start, year.end)
    return Nimbus(client.clock(year.start, "Nimbus"), catalog(client))


def load_rates(machine: Machine, start: datetime, end: datetime) -> None:
    """Load invented exchange rates for the days on which something is booked, so that books are exported."""
    machine.ask("rates", "load", str(rates_of(start, end, machine.folder / "rates.csv")))


def rates_of(start: datetime, end: datetime, file: Path) -> Path:
    """Write invented exchange rates against the euro, a line each day, as the ECB writes its own."""
    lines = ["Date,USD,GBP,"]
    days = (end - start).days + 1
    for number in range(-7, days):
        day = start + timedelta(days=number)
        swing = Decimal(abs(number % 60 - 30)) / 1000
        lines.append(f"{day:%Y-%m-%d},{Decimal('1.0800') + swing},{Decimal('0.8500') + swing / 3:.4f},")
    file.write_text("\n".join(lines) + "\n")
    return file


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
    for name, terms in PRICES.items():
        metered = {"usage_type": "metered", "meter": meters[name]} if name in meters else {}
        amounts = {key: terms[key] for key in ("unit_amount", "tiers") if key in terms}
        product = client.post("/v1/products", name=name, tax_code="txcd_10103001")["id"]
        prices[name] = client.post(
            "/v1/prices",
            product=product,
            currency=CURRENCIES[0],
            currency_options={currency: amounts for currency in CURRENCIES[1:]},
            recurring={"interval": "year" if name.endswith("a year") else "month", **metered},
            tax_behavior="exclusive",
            **terms,
        )["id"]
    return prices


def joining(company: Company, year: Year) -> datetime:
    """Return when a company subscribes."""
    month, day = company.joins
    if day == 1:
        return year.day(month, day).replace(hour=0)
    return year.day(month, day or (year.end - timedelta(days=3)).day)


def subscribe(client: Client, nimbus: Nimbus, company: Company) -> None:
    """Create a customer with a payment method and a subscription: in advance, and usage in arrears."""
    domain = company.name.lower().replace(" ", "-")
    address = dict(zip(("postal_code", "city", "state"), company.place.split("|"), strict=False))
    made = client.post(
        "/v1/customers",
        name=company.name,
        email=f"billing@{domain}.example",
        address={"country": company.country, "line1": "1 High Street", **address},
        preferred_locales=[company.language],
        tax_id_data=[{"type": "eu_vat", "value": company.vat}] if company.vat else None,
        test_clock=nimbus.clock,
    )
    nimbus.customers[company.name] = made["id"]
    terms = dict(company.also)
    if company.pays == "invoice":
        terms.update(collection_method="send_invoice", days_until_due=30)
    else:
        give_card(client, made["id"], company.pays)
    nimbus.subscriptions[company.name] = client.post(
        "/v1/subscriptions",
        customer=made["id"],
        currency=company.currency,
        automatic_tax={"enabled": True},
        items=items_of(nimbus, company),
        **terms,
    )["id"]


def items_of(nimbus: Nimbus, company: Company) -> list[Json]:
    if not company.size:
        return [{"price": nimbus.prices["Team workspace"]}]
    servers = {"price": nimbus.prices["Small server"], "quantity": company.servers}
    return [servers, *({"price": nimbus.prices[name]} for name, _ in METERS.values())]


def give_card(client: Client, customer: str, card: str) -> None:
    """Make a card the customer's default payment method."""
    method = client.post(f"/v1/payment_methods/{card}/attach", customer=customer)["id"]
    client.post(f"/v1/customers/{customer}", invoice_settings={"default_payment_method": method})
