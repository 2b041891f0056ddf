"""Do notices of gateways only make billow ask, and do numbers of cards stay outside?"""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from billow.app import App
from billow.providers.gateways.faults import HEADER, signed
from billow.providers.gateways.instruments import INSTRUMENTS
from billow.providers.gateways.simulated import SIGNS, Simulated
from tests.conftest import Api
from tests.flows.conftest import do_what_is_due
from tests.support.kept_text import kept


@pytest.fixture
def gateway(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulated]:
    made = Simulated(tmp_path / "gateway.sqlite")
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, gateways={"test": made}))
    yield made
    made.close()


def tell(api: Api, said: dict[str, Any], sign: bool = True, name: str = "simulated") -> int:
    body = json.dumps(said).encode()
    headers = signed(SIGNS, body) if sign else {HEADER: "0" * 64}
    sent = api.app.wsgi.test_client().post(f"/gateways/{api.tenant}/{name}", headers=headers, data=body)
    return sent.status_code


def waiting(api: Api) -> tuple[str, str]:
    """An intent that waits for its customer, and the attempt that does."""
    customer = api.post("/v1/customers", {"name": "Ann"})["id"]
    card = "pm_card_authenticationRequired"
    method = api.post(f"/v1/payment_methods/{card}/attach", {"customer": customer})["id"]
    sent = {"amount": "900", "currency": "usd", "customer": customer, "payment_method": method}
    intent = api.post("/v1/payment_intents", {**sent, "confirm": "true"})
    assert intent["status"] == "requires_action"
    with api.app.db.transaction(api.tenant, reads=True) as tx:
        [(attempt,)] = tx.tuples("select id from attempts where payment_intent = %(id)s", id=intent["id"])
    return intent["id"], attempt


@pytest.mark.parametrize(("passed", "status"), [(True, "succeeded"), (False, "requires_payment_method")])
def test_a_notice_settles_what_the_customer_did(
    app: App, api: Api, gateway: Simulated, passed: bool, status: str
) -> None:
    intent, attempt = waiting(api)
    gateway.authenticate(attempt, passed=passed)
    assert tell(api, {"type": "attempt", "attempt": attempt, "claim": "whatever"}) == 200
    do_what_is_due(app)
    assert api.get(f"/v1/payment_intents/{intent}")["status"] == status


def test_what_a_notice_claims_is_not_believed(app: App, api: Api, gateway: Simulated) -> None:
    intent, attempt = waiting(api)
    for _ in range(3):
        assert tell(api, {"type": "attempt", "attempt": attempt, "claim": "Succeeded"}) == 200
    do_what_is_due(app)
    assert api.get(f"/v1/payment_intents/{intent}")["status"] == "requires_action"


def test_a_notice_that_is_not_signed_or_has_no_gateway_is_refused(
    app: App, api: Api, gateway: Simulated
) -> None:
    _, attempt = waiting(api)
    said = {"type": "attempt", "attempt": attempt, "claim": "Succeeded"}
    assert tell(api, said, sign=False) == 400
    assert tell(api, said, name="unheard") == 404
    sent = app.wsgi.test_client().post("/gateways/nobody/test/simulated", data=b"{}")
    assert sent.status_code in (400, 404)


def test_notices_of_others_and_of_unknown_kinds_do_nothing(
    app: App, api: Api, other: Api, gateway: Simulated
) -> None:
    intent, attempt = waiting(api)
    gateway.authenticate(attempt)
    assert tell(other, {"type": "attempt", "attempt": attempt, "claim": "x"}) == 200
    assert tell(api, {"type": "weather"}) == 200
    do_what_is_due(app)
    assert api.get(f"/v1/payment_intents/{intent}")["status"] == "requires_action"
    assert tell(api, {"type": "dispute", "dispute": "dp_none", "charge": "ch_none", "claim": "x"}) == 200
    do_what_is_due(app)
    assert api.get("/v1/disputes")["data"] == []


def test_no_row_event_answer_or_log_line_holds_the_number_of_a_card(
    app: App, api: Api, gateway: Simulated, caplog: pytest.LogCaptureFixture
) -> None:
    """Every number is sent in each way that takes one, those that are refused too; none is kept anywhere."""
    caplog.set_level(logging.DEBUG)
    numbers = [one.number for one in INSTRUMENTS] + ["4111111111111111", "4242424242424241"]
    answers = []
    for number in numbers:
        card = {"card[number]": number, "card[exp_month]": "12", "card[exp_year]": "2090", "card[cvc]": "314"}
        answers.append(api.post("/v1/tokens", card))
        answers.append(api.post("/v1/payment_methods", {"type": "card", **card}))
        answers.append(api.post("/v1/charges", {"amount": "500", "currency": "usd", "source": number}))
    do_what_is_due(app)
    with app.db.transaction(api.tenant, reads=True) as tx:
        texts_kept = [text for texts in kept(tx).values() for text in texts]
    assert len(texts_kept) > len(numbers)
    for place, texts in (
        ("rows", texts_kept),
        ("answers", [str(one) for one in answers]),
        ("log", [caplog.text]),
    ):
        found = {number for number in numbers for text in texts if number in text}
        assert found == set(), place
