"""Does a lost dispute take back what is left of the credits that its payment had bought?"""

from billow.api import rows
from billow.app import App
from billow.core.disputes import Dispute, Movement
from billow.flows.payments import settle_dispute
from billow.resources.charge import Charge
from tests.flows.credits.test_grants import balances
from tests.flows.wallets.test_wallets import check, left, metering, topped_up
from tests.support.world import World


def test_a_lost_dispute_takes_unused_credits_back(world: World, app: App) -> None:
    anna, wallet = metering(world)
    topped_up(world, wallet, 5000)
    world.at("2025-01-03")
    anna.uses("calls", 10, "2025-01-02")
    world.at("2025-02-01 02:00")
    before = left(world, wallet)
    assert before[0] == 4000
    charge = world.get("/v1/charges", customer=anna.id)["data"][-1]["id"]
    with app.db.transaction(world.api.tenant) as tx:
        row = rows.find(tx, Charge, charge)
        moved = (Movement("txn_1", -5000, 0),)
        for status in ("needs_response", "lost", "lost"):
            said = Dispute("dp_1", row.reference or "", 5000, "usd", "fraudulent", status, None, moved)
            settle_dispute.record(tx, row, said)
    assert left(world, wallet)[0] == 0
    assert "prepaid" not in balances(world)
    check(world)
