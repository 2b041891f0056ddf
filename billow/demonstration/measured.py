"""Bill an hour of a production service's requests, from its files to two invoices."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from billow.demonstration.client import Client, Json
from billow.demonstration.company import give_card, load_rates
from billow.demonstration.machine import Machine

FOLDER = Path(__file__).parents[2].parent / "shared" / "data"
FILES = {"code": "azure_llm_inference_2023_code.csv", "chat": "azure_llm_inference_2023_conv.csv"}
EXPECTED = {"code": 5787, "chat": 12842}
"""US cents: 18,059,974 and 245,896 tokens; 22,361,870 and 4,088,665 tokens."""
COLUMNS = {"context_tokens": "ContextTokens", "generated_tokens": "GeneratedTokens"}
RATES = {"context_tokens": "0.0003", "generated_tokens": "0.0015"}
"""US cents per token."""
START = datetime(2023, 11, 16, 18, tzinfo=UTC)
MEASURED = START + timedelta(hours=2)
END = datetime(2023, 12, 16, 19, 5, tzinfo=UTC)


def there() -> bool:
    return all((FOLDER / name).exists() for name in FILES.values())


def billed(machine: Machine) -> dict[str, Json]:
    """Bill each service and return its invoice with lines; `billow import usage` reads the files."""
    client = machine.client
    load_rates(machine, START, END)
    clock = client.clock(START, "Azure")
    prices = [price(client, event_name) for event_name in COLUMNS]
    customers = {name: customer(client, name, clock, prices) for name in FILES}
    client.advance(clock, MEASURED)
    for name, id in customers.items():
        meters = [f"--meter={event_name}={column}" for event_name, column in COLUMNS.items()]
        file = str(FOLDER / FILES[name])
        machine.run("import", "usage", file, f"--customer={id}", "--time=TIMESTAMP", *meters)
    client.advance(clock, END)
    invoices = {name: client.get("/v1/invoices", customer=id)["data"][0] for name, id in customers.items()}
    for name, invoice in invoices.items():
        if invoice["total"] != EXPECTED[name] or invoice["status"] != "paid":
            found = f"{invoice['total']} {invoice['status']}"
            raise RuntimeError(f"The invoice of {name} is {found}, not {EXPECTED[name]} paid.")
    return invoices


def price(client: Client, event_name: str) -> str:
    name = event_name.replace("_", " ").capitalize()
    meter = client.post(
        "/v1/billing/meters", display_name=name, event_name=event_name, default_aggregation={"formula": "sum"}
    )["id"]
    made = client.post(
        "/v1/prices",
        product_data={"name": name, "unit_label": "token"},
        currency="usd",
        unit_amount_decimal=RATES[event_name],
        recurring={"interval": "month", "usage_type": "metered", "meter": meter},
    )
    return str(made["id"])


def customer(client: Client, name: str, clock: str, prices: list[str]) -> str:
    id: str = client.post("/v1/customers", name=name, email=f"{name}@example.com", test_clock=clock)["id"]
    give_card(client, id, "pm_card_visa")
    client.post("/v1/subscriptions", customer=id, items=[{"price": price} for price in prices])
    return id
