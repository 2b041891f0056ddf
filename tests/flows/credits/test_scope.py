"""Are the prices of a scope read together, however many it names?"""

import pytest

from billow.api import rows
from billow.app import App
from billow.core.errors import Refused
from billow.flows.credits.grants import prices_named
from tests.support.world import World


def test_prices_are_read_by_one_query(app: App, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    prices = [world.metered(f"P{n}", world.meter(f"m{n}"), cents="1") for n in range(3)]
    asked: list[str] = []
    select = rows.reading.select

    def counted(tx, cls, where, *args, **params):  # type: ignore[no-untyped-def]
        asked.append(where)
        return select(tx, cls, where, *args, **params)

    monkeypatch.setattr(rows.reading, "select", counted)
    with app.db.snapshot(world.api.tenant) as tx:
        found = prices_named(tx, [*prices, prices[0]], "scope[prices]")
    assert [price.id for _, price in found] == [*prices, prices[0]] and len(asked) == 1
    assert found[3][0] == "scope[prices][3][id]"


def test_the_price_that_is_not_there_is_named(app: App, world: World) -> None:
    price = world.metered("P", world.meter("m"), cents="1")
    with app.db.snapshot(world.api.tenant) as tx, pytest.raises(Refused, match="price_none") as refused:
        prices_named(tx, [price, "price_none"], "scope[prices]")
    assert refused.value.param == "scope[prices][1][id]"
