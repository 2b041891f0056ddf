"""F21: many invoices of one customer draw on the same grants at once."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.conftest import Api
from tests.support import invariants
from tests.support.world import World

DRAWS = int(os.environ.get("BILLOW_DRAWS", "12"))


def test_each_credit_is_used_once(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    scope = {"scope": {"price_type": "metered"}}
    for number in range(DRAWS):
        price = world.metered(f"Calls {number}", world.meter(f"calls_{number}"), cents="100")
        anna.subscribes_to(price)
    for value in (700, 500):
        amount = {"type": "monetary", "monetary": {"currency": "usd", "value": value}}
        world.post("/v1/billing/credit_grants", customer=anna.id, amount=amount, applicability_config=scope)
    world.at("2025-01-31")
    for number in range(DRAWS):
        anna.uses(f"calls_{number}", 3, "2025-01-10")
    world.at("2025-02-01")
    drafts = [
        one["id"] for one in world.get("/v1/invoices", customer=anna.id, status="draft", limit=100)["data"]
    ]
    assert len(drafts) == DRAWS

    def finalize(id: str) -> Any:
        own = Api(world.api.app, world.api.key, world.api.tenant)
        while (answer := own.post(f"/v1/invoices/{id}/finalize")).status == 429:  # others hold the customer
            assert answer["error"]["code"] == "lock_timeout"
        return answer

    with ThreadPoolExecutor(DRAWS) as pool:
        answers = list(pool.map(finalize, drafts))
    assert {answer.status for answer in answers} == {200}
    taken = sum(one["amount"] for answer in answers for one in answer["total_pretax_credit_amounts"])
    assert taken == min(1200, 300 * DRAWS)
    assert sum(answer["total"] for answer in answers) == 300 * DRAWS - taken
    found = world.get("/v1/billing/credit_balance_transactions", customer=anna.id, limit=100)["data"]
    assert sum(one["debit"]["amount"]["monetary"]["value"] for one in found if one["debit"]) == taken
    world.work()
    invariants.check_all(world.api.app.db, world.api.tenant)
