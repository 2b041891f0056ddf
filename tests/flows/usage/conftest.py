"""What tests of measured use stand on: a meter per formula, a customer, and instants around now."""

from collections.abc import Callable
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest

from billow.flows.usage import meter_events  # its routes exist once it is imported, whoever lists it

SUMMARIES = "/v1/billing/meters/{}/event_summaries"


@pytest.fixture
def ingestion() -> ModuleType:
    return meter_events


@pytest.fixture
def customer(api: Any) -> str:
    return str(api.post("/v1/customers", {"name": "Ann"})["id"])


@pytest.fixture
def meter(api: Any) -> Callable[..., str]:
    """Makes a meter and tells its id: `meter("tokens", "last")`."""

    def make(event_name: str = "tokens", formula: str = "sum", **more: str) -> str:
        made = api.post(
            "/v1/billing/meters",
            {
                "display_name": event_name,
                "event_name": event_name,
                "default_aggregation[formula]": formula,
                **more,
            },
        )
        assert made.status == 200, made
        return str(made["id"])

    return make


@pytest.fixture
def total(api: Any, customer: str) -> Callable[..., Any]:
    """What the summary of a meter says of the last 34 days and the next hour."""

    def tell(meter: str, of: str = customer) -> Any:
        now = int(api.app.db.wall().timestamp()) // 3600 * 3600
        found = api.get(
            SUMMARIES.format(meter), {"customer": of, "start_time": now - 34 * 86400, "end_time": now + 7200}
        )
        assert found.status == 200, found
        return found["data"][0]["aggregated_value"]

    return tell


@pytest.fixture
def now(app: Any) -> datetime:
    moment: datetime = app.db.wall()
    return moment.replace(microsecond=0)
