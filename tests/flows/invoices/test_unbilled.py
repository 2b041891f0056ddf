"""Is usage in arrears kept apart from deferred revenue, which is never a debit?"""

from datetime import UTC, datetime

from billow.app import App
from billow.ledger.balances import balance, trial_balance
from tests.support.world import World


def test_usage_is_unbilled_at_the_end_of_its_month_and_billed_with_its_invoice(
    app: App, world: World
) -> None:
    world.at("2025-01-01")
    calls = world.metered("Calls", world.meter("calls"), cents="10")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Base", usd=31), calls)
    world.at("2025-01-20")
    anna.uses("calls", 80, "2025-01-19")
    world.at("2025-02-01 02:00")
    end_of_january = datetime(2025, 1, 31, 23, 59, 59, 999999, tzinfo=UTC)
    with app.db.transaction(world.api.tenant) as tx:
        assert balance(tx, "unbilled", "usd", end_of_january) == 800
        assert balance(tx, "deferred_revenue", "usd", end_of_january) == 0
        assert balance(tx, "unbilled", "usd") == 0
        assert balance(tx, "deferred_revenue", "usd") == 3100


def test_deferred_revenue_is_never_a_debit(app: App, world: World) -> None:
    world.at("2025-01-15")
    calls = world.metered("Calls", world.meter("calls"), cents="10")
    anna = world.customer("anna")
    anna.subscribes_to(calls)
    anna.uses("calls", 80, "2025-01-15")
    anna.owes(500, "Set-up", period={"start": 1735689600, "end": 1738368000})
    anna.bills(collection_method="send_invoice", days_until_due=30).does("finalize")
    sent = anna.last_invoice
    world.at("2025-02-15 02:00")
    sent.does("void")
    with app.db.transaction(world.api.tenant) as tx:
        instants = [at for (at,) in tx.tuples("select distinct created from ledger_transfers")]
        books = [one for at in instants for one in trial_balance(tx, at) if one.account == "deferred_revenue"]
        assert len(instants) > 4 and all(one.balance <= 0 for one in books)
        assert balance(tx, "unbilled", "usd") == 0
