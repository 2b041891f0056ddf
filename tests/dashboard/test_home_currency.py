"""Does the currency of an account follow its country, until one is chosen or something is booked?"""

from typing import Any

import pytest

from billow import commands, selling
from billow.app import App
from billow.core.errors import Refused
from billow.flows.outside.seller import profile_of
from tests.conftest import Api, new_caller
from tests.dashboard.conftest import Person
from tests.support.world import World


@pytest.fixture
def built(app: App, api: Api) -> App:
    return App(app.db, app.keys, app.server, api.account, None)


def sets(built: App, *what: str) -> None:
    selling.change(built, selling.read(list(what)))


def currency(built: App, mode: str = "test") -> str:
    with built.db.snapshot(commands.tenant(built, mode)) as tx:
        return profile_of(tx).default_currency


def test_it_follows_the_country_and_what_is_booked_holds_it(built: App, world: World) -> None:
    assert currency(built) == "usd"
    for country, wanted in (("SE", "sek"), ("DE", "eur"), ("JP", "jpy"), ("SE", "sek")):
        sets(built, f"country={country}")
        assert currency(built) == wanted
    anna = world.customer("anna")
    anna.owes(1000, currency="sek")
    anna.bills(currency="sek").does("finalize")
    sets(built, "country=DE")
    assert currency(built) == "sek"


def test_what_is_booked_in_the_other_mode_holds_it_too(built: App, app: App, api: Api) -> None:
    world = World(new_caller(app, "live", api.account), lambda: None)
    customer = world.post("/v1/customers", name="Anna")["id"]
    world.post("/v1/invoiceitems", customer=customer, amount=1000, currency="usd")
    made = world.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")
    world.post(f"/v1/invoices/{made['id']}/finalize")
    sets(built, "country=SE")
    assert currency(built) == "usd"


def test_one_that_was_chosen_stays(built: App, api: Api) -> None:
    assert api.post("/v1/account", {"default_currency": "eur"})["default_currency"] == "eur"
    sets(built, "country=SE")
    assert currency(built) == "eur"
    sets(built, "currency=GBP", "country=DE")
    assert currency(built) == "gbp"
    with pytest.raises(Refused, match="no such currency"):
        sets(built, "currency=XXX")


def test_the_same_as_the_country_s_stays_too_once_it_was_chosen(built: App) -> None:
    sets(built, "currency=usd")
    sets(built, "country=SE")
    assert currency(built) == "usd"


def test_an_account_that_kept_another_one_before_keeps_it(built: App) -> None:
    """As one from before there was this rule, in Sweden with dollars."""
    with built.db.connection() as conn:
        conn.execute("update accounts set country = 'SE' where id = %s", (built.account,))
    sets(built, "country=DE")
    assert currency(built) == "usd"


def test_a_new_account_has_the_currency_of_its_country(built: App) -> None:
    id, _ = commands.create_account(built, "Nord", "no")
    with built.db.snapshot(f"{id}/live") as tx:
        assert (profile_of(tx).country, profile_of(tx).default_currency) == ("NO", "nok")
    with pytest.raises(Refused, match="no country"):
        commands.create_account(built, "Nord", "Norway")


def test_the_set_up_asks_for_it(built: App, world: World, owner: Person) -> None:
    assert "Currency of the books" in owner.reads("/settings/company")
    form: dict[str, Any] = {"act": "save", "name": "Acme", "country": "SE", "currency": "usd"}
    assert owner.sends("/settings/company", **form).status_code == 303
    assert currency(built) == "sek"  # nothing was chosen: the field was left as it was shown
    assert owner.sends("/settings/company", **{**form, "currency": "eur"}).status_code == 303
    assert currency(built) == "eur"
    anna = world.customer("anna")
    anna.owes(1000, currency="eur")
    anna.bills(currency="eur").does("finalize")
    said = owner.reads("/settings/company")
    assert "The books are kept in EUR" in said and "Currency of the books" not in said
