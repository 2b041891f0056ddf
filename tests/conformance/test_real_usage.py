"""Are the measured requests of two language models billed to the exact cent?

The data are real (shared/data, Azure LLM inference trace 2023): 28,185 requests, sent in bulk.
"""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import Api, shared
from tests.flows.conftest import Worlds
from tests.support.world import Customer, World

FILES = {"code": "azure_llm_inference_2023_code.csv", "chat": "azure_llm_inference_2023_conv.csv"}
COLUMNS = {"context_tokens": "ContextTokens", "generated_tokens": "GeneratedTokens"}
BATCH = 10_000


def events(customer: Customer, file: str) -> Iterator[dict[str, Any]]:
    """Two events for each request. Times carry seven decimals; six are what the database keeps."""
    with shared("data", file).open() as rows:
        for number, row in enumerate(csv.DictReader(rows)):
            at = datetime.fromisoformat(row["TIMESTAMP"][:26]).replace(tzinfo=UTC).isoformat()
            for meter, column in COLUMNS.items():
                payload = {"stripe_customer_id": customer.id, "value": row[column]}
                identifier = f"{customer.name}-{meter}-{number}"
                yield {"event_name": meter, "timestamp": at, "identifier": identifier, "payload": payload}


def send(api: Api, all_events: list[dict[str, Any]]) -> tuple[int, int]:
    accepted = duplicates = 0
    for start in range(0, len(all_events), BATCH):
        body = "\n".join(map(json.dumps, all_events[start : start + BATCH])).encode()
        answer = api.ask(
            "POST", "/v1/billing/meter_events/bulk", data=body, content_type="application/x-ndjson"
        )
        assert answer.status == 200, answer
        accepted += answer["accepted"]
        duplicates += answer["duplicates"]
    return accepted, duplicates


def subscribed(world: World, **context: Any) -> list[Customer]:
    world.at("2023-11-16 18:00")
    meters = {name: world.meter(name) for name in COLUMNS}
    prices = [
        world.metered("Context tokens", meters["context_tokens"], **context),
        world.metered("Generated tokens", meters["generated_tokens"], cents="0.0015"),
    ]
    people = [world.customer(name) for name in FILES]
    for person in people:
        person.subscribes_to(*prices)
    world.at("2023-11-16 21:00")
    return people


def amounts(customer: Customer) -> list[int]:
    return [line["amount"] for line in customer.last_invoice.data["lines"]["data"]]


def test_the_tokens_of_two_real_services_are_billed_to_the_cent(worlds: Worlds) -> None:
    world = worlds()
    people = subscribed(world, cents="0.0003")
    for person, rows in zip(people, (8_819, 19_366), strict=True):
        sent = list(events(person, FILES[person.name]))
        assert send(world.api, sent) == (2 * rows, 0)
        assert send(world.api, sent) == (0, 2 * rows)  # sent twice, counted once
    world.at("2023-12-16 19:00")
    assert [amounts(person) for person in people] == [[5418, 369], [6709, 6133]]
    assert [person.last_invoice.data["amount_paid"] for person in people] == [5787, 12842]


def test_beyond_ten_million_tokens_they_cost_half(worlds: Worlds) -> None:
    world = worlds()
    [code, _] = subscribed(world, tiers=[(10_000_000, "0.0003"), ("inf", "0.00015")])
    send(world.api, list(events(code, FILES["code"])))
    world.at("2023-12-16 19:00")
    assert amounts(code) == [3000, 1209, 369]


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_the_ones_that_the_sums_were_made_from(name: str) -> None:
    with shared("data", FILES[name]).open() as rows:
        total = sum(int(row["ContextTokens"]) for row in csv.DictReader(rows))
    assert total == {"code": 18_059_974, "chat": 22_361_870}[name]
