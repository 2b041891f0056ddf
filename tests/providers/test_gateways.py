"""Does each gateway follow the protocol? To test another one, add a line to GATEWAYS.

What a gateway does not do stands in LEFT_OUT, with how it says so; all the rest it must do.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from billow.core.errors import Refused, Unavailable
from billow.core.payments import (
    Capture,
    Charge,
    Declined,
    Increment,
    NeedsAction,
    Pending,
    Refund,
    SetUp,
    Succeeded,
)
from billow.providers.gateways import Gateway, StoredMethod
from billow.providers.gateways.bank import Bank
from billow.providers.gateways.manual import Manual
from billow.providers.gateways.sepa_debit import SepaDebit
from billow.providers.gateways.simulated import Simulated
from tests.support.stripe_server import Trying

Fault = Callable[[str], str | None]


@dataclass
class Trial:
    """A gateway, what it really charged, and tokens of a good, a refused and a late-failing method."""

    make: Callable[..., Any]
    charged: Callable[[Any], list[tuple[str, int]]]
    good: str
    refused: str
    fails_later: str = ""
    type: str = "card"
    currency: str = "usd"
    answer: type = Succeeded
    """What the charge of a good method is answered with."""
    left_out: Mapping[str, Callable[[Gateway], bool]] = field(default_factory=dict)
    """The parts of the contract that it does not do, each with how it says so."""


def simulated_charges(gateway: Simulated) -> list[tuple[str, int]]:
    return [(each.attempt, each.amount) for each in gateway.charges() if isinstance(each.outcome, Succeeded)]


def nothing_charged(gateway: Gateway) -> list[tuple[str, int]]:
    """By hand no money is moved by a charge: a statement says that it has come."""
    return []


def declines(code: str, ask: Callable[[Gateway], object]) -> Callable[[Gateway], bool]:
    """Return whether what is asked is declined with this code and a sentence."""

    def is_declined(gateway: Gateway) -> bool:
        said = ask(gateway)
        return isinstance(said, Declined) and said.code == code and said.message.endswith(".")

    return is_declined


def same_of_all(gateway: Gateway) -> bool:
    """Whether an attempt that never arrived is answered like one that did: nothing is kept of them."""
    asked = gateway.charge(Charge("att_1", 1500, "eur", IBAN, off_session=True))
    return type(gateway.look_up("att_1")) is type(gateway.look_up("att_unknown")) is type(asked)


SIMULATED = ("pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_chargeCustomerFail")
IBAN = "DE89370400440532013000"
BY_HAND: dict[str, Callable[[Gateway], bool]] = {
    "captures": declines("capture_not_supported", lambda to: to.capture(Capture("c", "x", 1, "eur"))),
    "declines": lambda to: not to.reports("att_1"),
    "memory": same_of_all,
    "network": same_of_all,
    "notices": lambda to: not to.read_notice({}, b'{"type": "payment_intent.succeeded"}'),
    "refunds": declines("refund_by_transfer", lambda to: to.refund(Refund("r", "x", 1, "eur"))),
}
"""What no gateway does that people carry out: statements report what becomes of a payment."""
NO_ACTION: dict[str, Callable[[Gateway], bool]] = {
    "actions": lambda to: not isinstance(to.cancel("att_1"), NeedsAction)
}
"""How a gateway says that none of its customers is asked to act."""
BY_PEOPLE = "payment_method_not_available"
GATEWAYS = {
    "simulated": Trial(lambda folder, **knobs: Simulated(None, **knobs), simulated_charges, *SIMULATED),
    "simulated, in a file": Trial(
        lambda folder, **knobs: Simulated(folder / "gateway.db", **knobs), simulated_charges, *SIMULATED
    ),
    "bank": Trial(
        lambda folder, **knobs: Bank(),
        nothing_charged,
        "customer_balance",
        "tok_visa",
        type="customer_balance",
        currency="eur",
        answer=NeedsAction,
        left_out={
            **BY_HAND,
            "accounts": lambda to: not to.store_method("customer_balance", "customer_balance").method.details,
        },
    ),
    "sepa_debit": Trial(
        lambda folder, **knobs: SepaDebit(),
        nothing_charged,
        IBAN,
        "DE00370400440532013000",
        type="sepa_debit",
        currency="eur",
        answer=Pending,
        left_out={**BY_HAND, **NO_ACTION},
    ),
    "manual": Trial(
        lambda folder, **knobs: Manual(),
        nothing_charged,
        "",
        "tok_visa",
        currency="eur",
        answer=Declined,
        left_out={
            **BY_HAND,
            **NO_ACTION,
            "accounts": declines(BY_PEOPLE, lambda to: to.store_method("tok_visa")),
            "methods": declines(BY_PEOPLE, lambda to: to.store_method("tok_visa")),
            "references": declines(BY_PEOPLE, lambda to: to.look_up("att_1")),
        },
    ),
}
PARTS = sorted({part for one in GATEWAYS.values() for part in one.left_out})


def part(name: str) -> pytest.MarkDecorator:
    """Try a part of the contract with the gateways that do it."""
    assert name in PARTS
    doing = [one for one in GATEWAYS if name not in GATEWAYS[one].left_out]
    return pytest.mark.parametrize("trial", [*doing, "stripe"], indirect=True)


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
    return Charge(attempt, amount, trial.currency, more.pop("method", trial.good), off_session=True, **more)


def has_charged(trial: Trial, gateway: Gateway, wanted: list[tuple[str, int]]) -> bool:
    """Whether exactly this was charged, or nothing where people carry it out later."""
    return sorted(trial.charged(gateway)) == (wanted if trial.answer is Succeeded else [])


def succeeded(outcome: object) -> Succeeded:
    assert isinstance(outcome, Succeeded), outcome
    return outcome


def test_a_gateway_has_a_name(gateway):
    assert gateway.name


@pytest.mark.parametrize(
    ("name", "left_out"), [(name, one) for name in GATEWAYS for one in GATEWAYS[name].left_out]
)
def test_a_gateway_says_plainly_what_it_does_not_do(name, left_out, tmp_path):
    assert GATEWAYS[name].left_out[left_out](GATEWAYS[name].make(tmp_path))


@part("methods")
def test_a_good_method_is_stored_and_charged(trial, gateway):
    stored = gateway.store_method(trial.good, trial.type)
    assert isinstance(stored, StoredMethod) and stored.method.type == trial.type
    outcome = gateway.charge(charge(trial, method=stored.reference))
    assert isinstance(outcome, trial.answer) and outcome.reference
    assert trial.answer is not Succeeded or 0 <= outcome.fee <= 1500


@part("accounts")
def test_of_a_method_is_shown_its_end_and_what_it_is_recognized_by(trial, gateway):
    first, second = (gateway.store_method(trial.good, trial.type).method.details for _ in range(2))
    assert len(first["last4"]) == 4 and trial.good not in str(first)
    assert first["fingerprint"] == second["fingerprint"] != ""


def test_what_a_gateway_does_not_take_is_not_stored(trial, gateway):
    refused = gateway.store_method(trial.refused)
    assert isinstance(refused, Declined) and refused.message and refused.code


@part("declines")
def test_a_decline_is_an_answer(trial, gateway):
    later = gateway.store_method(trial.fails_later)
    assert isinstance(later, StoredMethod)
    assert isinstance(gateway.charge(charge(trial, method=later.reference)), Declined)
    assert trial.charged(gateway) == []


def test_one_attempt_charges_once_and_repeats_its_answer(trial, gateway):
    first = gateway.charge(charge(trial))
    assert isinstance(first, trial.answer)
    assert gateway.charge(charge(trial)) == first == gateway.look_up("att_1")
    assert has_charged(trial, gateway, [("att_1", 1500)])


@part("declines")
def test_a_declined_attempt_stays_declined(trial, gateway):
    first = gateway.charge(charge(trial, method=trial.fails_later))
    assert gateway.charge(charge(trial, method=trial.good)) == first
    assert isinstance(gateway.charge(charge(trial, "att_2", method=trial.good)), Succeeded)


@part("references")
def test_two_attempts_are_two_charges_with_references_of_their_own(trial, gateway):
    one, other = gateway.charge(charge(trial)), gateway.charge(charge(trial, "att_2", 700))
    assert one.reference != other.reference
    assert has_charged(trial, gateway, [("att_1", 1500), ("att_2", 700)])


@part("memory")
def test_an_unknown_attempt_is_none(trial, gateway):
    gateway.charge(charge(trial))
    assert gateway.look_up("att_2") is None


@part("network")
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
    assert has_charged(trial, gateway, [("att_1", 1500)])


@part("refunds")
def test_a_refund_is_given_once_and_can_be_looked_up(trial, gateway):
    taken = succeeded(gateway.charge(charge(trial)))
    refund = Refund("ref_1", taken.reference, 1000, "usd")
    given = succeeded(gateway.refund(refund))
    assert gateway.refund(refund) == given == gateway.look_up("ref_1")
    assert isinstance(gateway.refund(Refund("ref_2", taken.reference, 500, "usd")), Succeeded)


@part("refunds")
def test_refunds_never_exceed_their_charge(trial, gateway):
    taken = succeeded(gateway.charge(charge(trial)))
    assert isinstance(gateway.refund(Refund("ref_1", taken.reference, 1000, "usd")), Succeeded)
    assert isinstance(gateway.refund(Refund("ref_2", taken.reference, 501, "usd")), Declined)
    assert isinstance(gateway.refund(Refund("ref_3", "nothing", 1, "usd")), Declined)


@part("captures")
def test_a_hold_is_captured_once_in_part_and_costs_its_fee_then(trial, gateway):
    held = succeeded(gateway.charge(charge(trial, capture=False)))
    assert held.fee == 0
    capture = Capture("cap_1", held.reference, 900, "usd")
    first = succeeded(gateway.capture(capture))
    assert gateway.capture(capture) == first and 0 < first.fee <= 900
    assert isinstance(gateway.refund(Refund("ref_1", held.reference, 901, "usd")), Declined)
    assert isinstance(gateway.refund(Refund("ref_2", held.reference, 900, "usd")), Succeeded)


@part("captures")
def test_a_hold_is_raised_and_captured_in_parts_only_where_that_was_asked_for(trial, gateway):
    plain = succeeded(gateway.charge(charge(trial, capture=False)))
    assert isinstance(gateway.increment(Increment("inc_1", plain.reference, 2000, "usd")), Declined)
    assert isinstance(gateway.capture(Capture("cap_1", plain.reference, 900, "usd", final=False)), Declined)
    asked = charge(trial, "att_2", capture=False, wishes=("incremental_authorization", "multicapture"))
    held = succeeded(gateway.charge(asked))
    raised = succeeded(gateway.increment(Increment("inc_2", held.reference, 2000, "usd")))
    assert raised.fee == 0 and gateway.increment(Increment("inc_2", held.reference, 2000, "usd")) == raised
    parts = [("cap_2", 900, False), ("cap_3", 800, False), ("cap_4", 300, True)]
    for attempt, amount, final in parts:
        assert succeeded(gateway.capture(Capture(attempt, held.reference, amount, "usd", final))).fee > 0
    assert isinstance(gateway.capture(Capture("cap_5", held.reference, 1, "usd")), Declined)
    assert isinstance(gateway.refund(Refund("ref_1", held.reference, 2001, "usd")), Declined)
    assert isinstance(gateway.refund(Refund("ref_2", held.reference, 2000, "usd")), Succeeded)


@part("methods")
def test_a_method_is_set_up_without_a_charge(trial, gateway):
    stored = gateway.store_method(trial.good, trial.type)
    assert isinstance(gateway.set_up(SetUp("set_1", stored.reference)), Succeeded)
    assert trial.charged(gateway) == []


@part("actions")
def test_what_its_customer_must_do_is_waited_for(trial, gateway):
    token = "pm_card_authenticationRequired" if trial.type == "card" else trial.good
    stored = gateway.store_method(token, trial.type)
    on = Charge("att_1", 1500, trial.currency, stored.reference, off_session=False)
    assert isinstance(gateway.charge(on), NeedsAction)
    assert isinstance(gateway.look_up("att_1"), NeedsAction)
    assert trial.charged(gateway) == []


@part("declines")
def test_a_holder_who_must_act_and_is_not_there_is_declined(trial, gateway):
    stored = gateway.store_method("pm_card_authenticationRequired")
    off = gateway.charge(Charge("att_2", 1500, "usd", stored.reference, off_session=True))
    assert isinstance(off, Declined) and off.code == "authentication_required"
    assert trial.charged(gateway) == []


def test_an_unknown_attempt_has_nothing_to_report_and_an_unknown_dispute_is_none(trial, gateway):
    assert list(gateway.reports("att_9")) == []
    assert gateway.dispute("dp_unknown") is None


@part("notices")
def test_a_notice_that_the_gateway_has_not_signed_is_refused(trial, gateway):
    for headers in ({}, {"Stripe-Signature": "t=1,v1=0"}, {"Simulated-Signature": "0"}):
        with pytest.raises(Refused):
            gateway.read_notice(headers, b'{"type": "payment_intent.succeeded"}')
