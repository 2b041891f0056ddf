"""Are radar_options kept and shown, and without an effect?"""

from types import ModuleType

from tests.conftest import Api

RADAR = {"radar_options[session]": "rse_1"}
SHOWN = {"session": "rse_1"}
DUE = {"amount": 2000, "currency": "usd"}


def test_a_charge_shows_what_was_said_of_the_browser(api: Api, contract: ModuleType) -> None:
    made = api.post("/v1/charges", {**DUE, "source": "tok_visa", **RADAR})
    assert made["radar_options"] == SHOWN and contract.problems(made) == []
    assert api.post("/v1/charges", {**DUE, "source": "tok_visa"})["radar_options"] is None


def test_the_charge_of_an_intent_shows_it_and_the_intent_does_not(api: Api) -> None:
    sent = {**DUE, "payment_method": "pm_card_visa"}
    paid = api.post("/v1/payment_intents", {**sent, "confirm": "true", **RADAR})
    assert api.get(f"/v1/charges/{paid['latest_charge']}")["radar_options"] == SHOWN
    assert "radar_options" not in paid
    made = api.post("/v1/payment_intents", sent)["id"]
    later = api.post(f"/v1/payment_intents/{made}/confirm", RADAR)
    assert api.get(f"/v1/charges/{later['latest_charge']}")["radar_options"] == SHOWN


def test_a_payment_method_keeps_it_alone_and_within_an_intent(api: Api, contract: ModuleType) -> None:
    card = {"type": "card", "card[token]": "tok_visa", **RADAR}
    made = api.post("/v1/payment_methods", card)
    assert made["radar_options"] == SHOWN and contract.problems(made) == []
    within = {
        "payment_method_data[type]": "card",
        "payment_method_data[card][token]": "tok_visa",
        "payment_method_data[radar_options][session]": "rse_1",
    }
    intent = api.post("/v1/setup_intents", within)
    assert api.get(f"/v1/payment_methods/{intent['payment_method']}")["radar_options"] == SHOWN
