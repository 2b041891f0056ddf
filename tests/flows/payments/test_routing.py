"""Which gateway takes a payment, which takes over, and do attempts, methods and refunds stay with theirs?"""

from dataclasses import replace
from typing import Any

import pytest

from billow.app import App
from billow.core.errors import Unavailable
from billow.core.routing import Route, choose
from billow.flows.outside import gateways
from billow.flows.outside.gateways import Configured
from billow.providers.gateways.bank import Bank
from billow.providers.gateways.simulated import Simulated
from tests.conftest import Api


def route(name: str, position: int = 1, **more: Any) -> Route:
    return Route(name, "named", position, secret="sk_1", signing_secret="whsec_1", **more)


@pytest.mark.parametrize(
    ("currency", "type", "silent", "chosen"),
    [
        ("usd", "card", (), "one"),
        ("usd", "card", ("one",), "two"),
        ("usd", "card", ("one", "two"), "one"),
        ("eur", "card", (), "two"),
        ("eur", "sepa_debit", (), "debits"),
        ("eur", "sepa_debit", ("debits",), "two"),
        ("usd", "sepa_debit", (), "two"),
        ("eur", "link", (), "two"),
        (None, None, (), "debits"),
        (None, "card", (), "one"),
    ],
)
def test_the_first_gateway_that_takes_it_and_answers_is_chosen(currency, type, silent, chosen) -> None:
    routes = [
        route("two", 2),
        route("one", 1, currencies=("usd",), types=("card",)),
        route("debits", 1, currencies=("eur",), types=("sepa_debit",)),
        route("old", 0, active=False),
    ]
    assert choose(routes, currency, type, silent).name == chosen


def test_none_is_chosen_where_none_takes_it() -> None:
    assert choose([route("one", currencies=("usd",))], "eur", "card", ()) is None


class Named(Simulated):
    """A simulated gateway of another name, which can be down."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.down = name, False

    def charge(self, charge: Any) -> Any:
        if self.down:
            raise Unavailable(f"{self.name} is down.")
        return super().charge(charge)

    def store_method(self, token: str, type: str = "card", check: bool = True) -> Any:
        if self.down:
            raise Unavailable(f"{self.name} is down.")
        return super().store_method(token, type, check)


@pytest.fixture
def named(app: App, api: Api, monkeypatch: pytest.MonkeyPatch) -> dict[str, Named]:
    """Two gateways: `euros` for cards in euros, and `rest` for everything, which comes second."""
    made = {name: Named(name) for name in ("euros", "rest")}
    known = Configured({"named": lambda route: made[route.name]})
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, configured=known))
    with app.db.transaction(api.tenant) as tx:
        gateways.write(tx, route("euros", 1, currencies=("eur",), types=("card",)))
        gateways.write(tx, route("rest", 2))
    return made


def charge(api: Api, currency: str = "eur", **more: str) -> Any:
    sent = {"amount": "900", "currency": currency, "source": "tok_visa", **more}
    return api.post("/v1/charges", sent)


def taken(named: dict[str, Named]) -> dict[str, int]:
    return {name: len(one.charges()) for name, one in named.items()}


def test_a_card_is_charged_where_it_is_stored_and_refunded_where_it_was_charged(
    app: App, api: Api, named: dict[str, Named]
) -> None:
    made = charge(api)
    assert made["status"] == "succeeded" and taken(named) == {"euros": 1, "rest": 0}
    with app.db.transaction(api.tenant) as tx:
        gateways.stop(tx, "euros")
    assert charge(api)["status"] == "succeeded" and taken(named) == {"euros": 1, "rest": 1}
    assert api.post("/v1/refunds", {"charge": made["id"]})["status"] == "succeeded"
    assert [len(one.refunds()) for one in named.values()] == [1, 0]
    with app.db.transaction(api.tenant, reads=True) as tx:
        booked = tx.tuples("select distinct debit from ledger_transfers where debit like 'clearing%%'")
        kept = tx.tuples("select gateway, count(*) from attempts group by gateway order by gateway")
    assert sorted(booked) == [("clearing:euros",), ("clearing:rest",)]
    assert kept == [("euros", 2), ("rest", 1)]


def test_a_new_card_goes_to_the_second_gateway_while_the_first_is_down(
    api: Api, named: dict[str, Named]
) -> None:
    named["euros"].down = True
    assert charge(api).status == 503  # nothing was changed: it is safe to send again
    assert charge(api)["status"] == "succeeded"
    assert taken(named) == {"euros": 0, "rest": 1}


def test_a_stored_card_waits_for_its_gateway_and_is_charged_by_no_other(
    api: Api, named: dict[str, Named]
) -> None:
    customer = api.post("/v1/customers", {"source": "tok_visa"})["id"]
    named["euros"].down = True
    sent = {"amount": "900", "currency": "eur", "customer": customer}
    assert api.post("/v1/charges", sent).status == 500
    assert taken(named)["rest"] == 0


def test_a_card_that_is_stored_where_its_currency_is_not_taken_is_refused(
    api: Api, named: dict[str, Named]
) -> None:
    customer = api.post("/v1/customers", {"source": "tok_visa"})["id"]
    refused = api.post("/v1/charges", {"amount": "900", "currency": "usd", "customer": customer})
    assert refused.status == 400 and refused["error"]["code"] == "payment_method_unavailable"
    assert charge(api, "usd")["status"] == "succeeded"
    assert taken(named) == {"euros": 0, "rest": 1}


def test_a_payment_that_no_gateway_takes_is_refused_in_live_mode(
    app: App, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Configured({"named": lambda route: Named(route.name)})
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, gateways={}, configured=known))
    with app.db.transaction(api.tenant) as tx:
        gateways.write(tx, route("debits", types=("sepa_debit",)))
    refused = charge(api)
    assert refused.status == 400 and refused["error"]["code"] == "payment_method_unavailable"


def test_a_card_is_set_up_where_it_is_stored_and_not_by_a_gateway_of_another_type(
    app: App, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Configured({"named": lambda route: Bank(route.name)})
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, configured=known))
    with app.db.transaction(api.tenant) as tx:
        gateways.write(tx, route("transfers", types=("customer_balance",)))
    customer = api.post("/v1/customers")["id"]
    sent = {"customer": customer, "confirm": "true", "automatic_payment_methods[enabled]": "false"}
    refused = api.post("/v1/setup_intents", {**sent, "payment_method": "pm_card_visa_chargeDeclined"})
    assert refused.status == 402 and refused["error"]["code"] == "card_declined"
    assert api.post("/v1/setup_intents", {**sent, "payment_method": "pm_card_visa"})["status"] == "succeeded"
    with app.db.transaction(api.tenant, reads=True) as tx:
        assert tx.tuples("select distinct gateway from attempts") == [("simulated",)]


def test_secrets_are_in_no_text_of_a_route() -> None:
    assert "sk_1" not in repr(route("one")) and "whsec_1" not in str(route("one"))


def test_another_account_does_not_see_the_gateways_of_this_one(
    app: App, api: Api, other: Api, named: dict[str, Named]
) -> None:
    with app.db.transaction(other.tenant, reads=True) as tx:
        assert app.db.outside.configured.routes(tx) == ()
    assert charge(other)["status"] == "succeeded" and taken(named) == {"euros": 0, "rest": 0}
