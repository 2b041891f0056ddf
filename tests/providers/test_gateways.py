"""Does each gateway follow the protocol? To test another one, add a line to GATEWAYS."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from billow.core.errors import Refused, Unavailable
from billow.core.payments import Capture, Charge, Declined, NeedsAction, Refund, SetUp, Succeeded
from billow.providers.gateways import Gateway, StoredMethod
from billow.providers.gateways.simulated import Simulated
from tests.support.stripe_server import Trying

Fault = Callable[[str], str | None]


@dataclass
class Trial:
    """A gateway, what it really charged, and tokens of a good, a refused and a late-failing card."""

    make: Callable[..., Any]
    charged: Callable[[Any], list[tuple[str, int]]]
    good: str
    refused: str
    fails_later: str


def simulated_charges(gateway: Simulated) -> list[tuple[str, int]]:
    return [(each.attempt, each.amount) for each in gateway.charges() if isinstance(each.outcome, Succeeded)]


SIMULATED = ("pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_chargeCustomerFail")
GATEWAYS = {
    "simulated": Trial(lambda folder, **knobs: Simulated(None, **knobs), simulated_charges, *SIMULATED),
    "simulated, in a file": Trial(
        lambda folder, **knobs: Simulated(folder / "gateway.db", **knobs), simulated_charges, *SIMULATED
    ),
}


@pytest.fixture(params=[*GATEWAYS, "stripe"])
def trial(request: pytest.FixtureRequest) -> Trial:
    if request.param != "stripe":
        return GATEWAYS[request.param]
    account = request.getfixturevalue("stripe")
    return Trial(lambda folder, **knobs: Trying(account, **knobs), Trying.charged, *SIMULATED)


@pytest.fixture
def gateway(trial: Trial, tmp_path: Path) -> Gateway:
    return trial.make(tmp_path)


def charge(trial: Trial, attempt: str = "att_1", amount: int = 1500, **more: Any) -> Charge:
    return Charge(attempt, amount, "usd", more.pop("method", trial.good), off_session=True, **more)


def succeeded(outcome: object) -> Succeeded:
    assert isinstance(outcome, Succeeded), outcome
    return outcome


def test_a_gateway_has_a_name(gateway):
    assert gateway.name


def test_a_good_card_is_stored_and_charged(trial, gateway):
    stored = gateway.store_method(trial.good)
    assert isinstance(stored, StoredMethod) and stored.method.type == "card"
    assert len(stored.method.details["last4"]) == 4 and stored.method.details["fingerprint"]
    outcome = succeeded(gateway.charge(charge(trial, method=stored.reference)))
    assert outcome.reference and 0 <= outcome.fee <= 1500


def test_the_same_card_has_the_same_fingerprint(trial, gateway):
    first, second = (gateway.store_method(trial.good).method.details for _ in range(2))
    assert first["fingerprint"] == second["fingerprint"]


def test_a_decline_is_an_answer(trial, gateway):
    refused = gateway.store_method(trial.refused)
    assert isinstance(refused, Declined) and refused.message and refused.code
    later = gateway.store_method(trial.fails_later)
    assert isinstance(later, StoredMethod)
    assert isinstance(gateway.charge(charge(trial, method=later.reference)), Declined)
    assert trial.charged(gateway) == []


def test_one_attempt_charges_once_and_repeats_its_answer(trial, gateway):
    first = gateway.charge(charge(trial))
    assert gateway.charge(charge(trial)) == first == gateway.look_up("att_1")
    assert trial.charged(gateway) == [("att_1", 1500)]


def test_a_declined_attempt_stays_declined(trial, gateway):
    first = gateway.charge(charge(trial, method=trial.fails_later))
    assert gateway.charge(charge(trial, method=trial.good)) == first
    assert isinstance(gateway.charge(charge(trial, "att_2", method=trial.good)), Succeeded)


def test_two_attempts_are_two_charges_with_references_of_their_own(trial, gateway):
    one, other = gateway.charge(charge(trial)), gateway.charge(charge(trial, "att_2", 700))
    assert succeeded(one).reference != succeeded(other).reference
    assert sorted(trial.charged(gateway)) == [("att_1", 1500), ("att_2", 700)]


def test_an_unknown_attempt_is_none(trial, gateway):
    gateway.charge(charge(trial))
    assert gateway.look_up("att_2") is None


def test_a_lost_reply_can_be_looked_up_and_asked_again(trial, tmp_path):
    faults = iter(["drop_reply"])
    gateway = trial.make(tmp_path, fault=lambda attempt: next(faults, None))
    with pytest.raises(Unavailable):
        gateway.charge(charge(trial))
    found = succeeded(gateway.look_up("att_1"))
    assert gateway.charge(charge(trial)) == found
    assert trial.charged(gateway) == [("att_1", 1500)]


def test_twenty_threads_on_one_attempt_charge_once(trial, tmp_path):
    gateway, together = trial.make(tmp_path, latency=0.002), Barrier(20)

    def ask(_: int) -> object:
        together.wait()
        return gateway.charge(charge(trial))

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(ask, range(20)))
    assert len(set(answers)) == 1
    assert trial.charged(gateway) == [("att_1", 1500)]


def test_a_refund_is_given_once_and_can_be_looked_up(trial, gateway):
    taken = succeeded(gateway.charge(charge(trial)))
    refund = Refund("ref_1", taken.reference, 1000, "usd")
    given = succeeded(gateway.refund(refund))
    assert gateway.refund(refund) == given == gateway.look_up("ref_1")
    assert isinstance(gateway.refund(Refund("ref_2", taken.reference, 500, "usd")), Succeeded)


def test_refunds_never_exceed_their_charge(trial, gateway):
    taken = succeeded(gateway.charge(charge(trial)))
    assert isinstance(gateway.refund(Refund("ref_1", taken.reference, 1000, "usd")), Succeeded)
    assert isinstance(gateway.refund(Refund("ref_2", taken.reference, 501, "usd")), Declined)
    assert isinstance(gateway.refund(Refund("ref_3", "nothing", 1, "usd")), Declined)


def test_a_hold_is_captured_once_in_part_and_costs_its_fee_then(trial, gateway):
    held = succeeded(gateway.charge(charge(trial, capture=False)))
    assert held.fee == 0
    capture = Capture("cap_1", held.reference, 900, "usd")
    first = succeeded(gateway.capture(capture))
    assert gateway.capture(capture) == first and 0 < first.fee <= 900
    assert isinstance(gateway.refund(Refund("ref_1", held.reference, 901, "usd")), Declined)
    assert isinstance(gateway.refund(Refund("ref_2", held.reference, 900, "usd")), Succeeded)


def test_a_method_is_set_up_without_a_charge(trial, gateway):
    stored = gateway.store_method(trial.good)
    assert isinstance(gateway.set_up(SetUp("set_1", stored.reference)), Succeeded)
    assert trial.charged(gateway) == []


def test_a_holder_who_must_act_is_waited_for_and_off_session_declined(trial, gateway):
    stored = gateway.store_method("pm_card_authenticationRequired")
    on = Charge("att_1", 1500, "usd", stored.reference, off_session=False)
    assert isinstance(gateway.charge(on), NeedsAction)
    assert isinstance(gateway.look_up("att_1"), NeedsAction)
    off = gateway.charge(Charge("att_2", 1500, "usd", stored.reference, off_session=True))
    assert isinstance(off, Declined) and off.code == "authentication_required"
    assert trial.charged(gateway) == []


def test_an_unknown_attempt_has_nothing_to_report_and_an_unknown_dispute_is_none(trial, gateway):
    assert gateway.reports("att_9") == []
    assert gateway.dispute("dp_unknown") is None


def test_a_notice_that_the_gateway_has_not_signed_is_refused(trial, gateway):
    for headers in ({}, {"Stripe-Signature": "t=1,v1=0"}, {"Simulated-Signature": "0"}):
        with pytest.raises(Refused):
            gateway.read_notice(headers, b'{"type": "payment_intent.succeeded"}')
