"""What follows a charge at the simulated gateway: disputes, warnings, slow refunds, and its truth."""

import pytest

from billow.core.disputes import Evidence
from billow.core.errors import Refused, Unavailable
from billow.core.notices import AttemptChanged, DisputeChanged, FraudSuspected
from billow.core.payments import Capture, Charge, Declined, Pending, Refund, Succeeded
from billow.providers.gateways.faults import Fault
from billow.providers.gateways.simulated import Simulated

FEE = 59
"""Of a charge of 1,000."""


def charged(gateway: Simulated, card: str, attempt: str = "a") -> Succeeded:
    outcome = gateway.charge(Charge(attempt, 1000, "usd", f"pm_card_{card}", off_session=True))
    assert isinstance(outcome, Succeeded)
    return outcome


@pytest.mark.parametrize(
    ("card", "reason", "status", "taken"),
    [
        ("createDispute", "fraudulent", "needs_response", [(-1000, 1500)]),
        ("createDisputeProductNotReceived", "product_not_received", "needs_response", [(-1000, 1500)]),
        ("createDisputeInquiry", "fraudulent", "warning_needs_response", []),
    ],
)
def test_a_card_that_disputes_reports_its_dispute_once_the_charge_has_succeeded(card, reason, status, taken):
    gateway = Simulated()
    outcome = charged(gateway, card)
    [notice] = gateway.reports("a")
    assert outcome.news and isinstance(notice, DisputeChanged) and notice.charge == outcome.reference
    found = gateway.dispute(notice.dispute)
    assert (found.charge, found.amount) == (outcome.reference, 1000)
    assert (found.reason, found.status) == (reason, status)
    assert [(one.amount, one.fee) for one in found.movements] == taken


def test_a_warning_of_fraud_moves_no_money():
    gateway = Simulated()
    outcome = charged(gateway, "createIssuerFraudRecord")
    [notice] = gateway.reports("a")
    assert isinstance(notice, FraudSuspected) and notice.charge == outcome.reference
    assert gateway.truth()["balance"] == {"usd": 1000 - FEE}


def test_a_hold_is_disputed_when_it_is_captured():
    gateway = Simulated()
    held = gateway.charge(Charge("h", 1000, "usd", "pm_card_createDispute", True, capture=False))
    assert gateway.reports("h") == []
    gateway.capture(Capture("c", held.reference, 600, "usd"))
    [notice] = gateway.reports("c")
    assert gateway.dispute(notice.dispute).amount == 600


@pytest.mark.parametrize(
    ("card", "words", "status", "balance"),
    [
        ("createDispute", "winning_evidence", "won", 1000 - FEE - 1500),
        ("createDispute", "losing_evidence", "lost", -FEE - 1500),
        ("createDispute", "We shipped it.", "under_review", -FEE - 1500),
        ("createDisputeInquiry", "winning_evidence", "warning_closed", 1000 - FEE),
        ("createDisputeInquiry", "escalate_inquiry_evidence", "needs_response", -FEE - 1500),
        ("createDisputeInquiry", "We shipped it.", "warning_under_review", 1000 - FEE),
    ],
)
def test_words_of_the_evidence_decide_a_dispute(card, words, status, balance):
    gateway = Simulated()
    charged(gateway, card)
    [notice] = gateway.reports("a")
    evidence = Evidence(notice.dispute, (("uncategorized_text", words),), submit=True)
    found = gateway.contest(evidence)
    assert found.status == status
    assert gateway.contest(evidence) == found == gateway.dispute(notice.dispute) or status == "needs_response"
    assert gateway.truth()["balance"] == {"usd": balance}


def test_evidence_that_is_not_submitted_decides_nothing():
    gateway = Simulated()
    charged(gateway, "createDispute")
    [notice] = gateway.reports("a")
    evidence = Evidence(notice.dispute, (("uncategorized_text", "winning_evidence"),), submit=False)
    assert gateway.contest(evidence).status == "needs_response"


def test_a_dispute_that_is_conceded_is_lost_and_stays_lost():
    gateway = Simulated()
    charged(gateway, "createDispute")
    [notice] = gateway.reports("a")
    assert gateway.concede(notice.dispute).status == "lost"
    evidence = Evidence(notice.dispute, (("uncategorized_text", "winning_evidence"),), submit=True)
    assert gateway.contest(evidence).status == "lost"
    with pytest.raises(Refused):
        gateway.concede("dp_unknown")


def test_a_refund_that_takes_time_is_pending_and_then_succeeds():
    gateway = Simulated()
    reference = charged(gateway, "pendingRefund").reference
    assert isinstance(gateway.refund(Refund("r", reference, 400, "usd")), Pending)
    assert gateway.truth()["balance"] == {"usd": 1000 - FEE}
    assert gateway.reports("r") == [AttemptChanged("r")]
    assert isinstance(gateway.look_up("r"), Succeeded)
    assert gateway.truth()["balance"] == {"usd": 600 - FEE}


def test_a_refund_that_fails_later_succeeded_first_and_can_be_made_again():
    gateway = Simulated()
    reference = charged(gateway, "refundFail").reference
    given = gateway.refund(Refund("r", reference, 1000, "usd"))
    assert isinstance(given, Succeeded) and given.news
    assert gateway.reports("r") == [AttemptChanged("r")] and gateway.reports("r") == []
    assert isinstance(gateway.look_up("r"), Declined)
    assert gateway.truth()["balance"] == {"usd": 1000 - FEE}
    assert isinstance(gateway.refund(Refund("r2", reference, 1000, "usd")), Succeeded)


@pytest.mark.parametrize(
    ("kind", "acted", "answered"),
    [
        ("drop_request", False, False),
        ("drop_reply", True, False),
        ("error", True, False),
        ("duplicate", True, True),
        ("", True, True),
    ],
)
def test_a_fault_acts_or_not_and_answers_or_not(kind, acted, answered):
    gateway = Simulated(fault=lambda attempt: kind)
    request = Charge("a", 1000, "usd", "pm_card_visa", off_session=True)
    if answered:
        gateway.charge(request)
    else:
        with pytest.raises(Unavailable):
            gateway.charge(request)
    assert (gateway.look_up("a") is not None) is acted
    assert gateway.truth()["balance"] == ({"usd": 1000 - FEE} if acted else {})


def test_an_unknown_fault_is_refused():
    with pytest.raises(Refused):
        Simulated(fault=lambda attempt: "typo").charge(Charge("a", 1000, "usd", "pm_card_visa", True))


@pytest.mark.parametrize(
    ("how", "at_the_answer", "afterwards", "at_last"),
    [((), 0, 1, 1), (("early",), 1, 1, 1), (("late",), 0, 0, 1), (("twice",), 0, 2, 2),
     (("contradictory",), 0, 2, 2)],
)  # fmt: skip
def test_notices_come_early_late_twice_and_contradictory(how, at_the_answer, afterwards, at_last):
    received: list[bytes] = []
    gateway = Simulated(
        fault=lambda attempt: Fault(notices=how),
        notify=lambda headers, body: received.append((headers, body)),
    )
    charged(gateway, "visa")
    assert len(received) == at_the_answer
    gateway.deliver()
    assert len(received) == afterwards
    gateway.deliver(late=True)
    assert len(received) == at_last
    for headers, body in received:
        assert gateway.read_notice(headers, body) == [AttemptChanged("a")]
    claims = {body.partition(b'"claim": "')[2].partition(b'"')[0] for _, body in received}
    assert claims == ({b"Succeeded", b"Declined"} if "contradictory" in how else {b"Succeeded"})


def test_a_notice_that_is_not_signed_is_refused():
    gateway = Simulated()
    for headers in ({}, {"Simulated-Signature": "0" * 64}):
        with pytest.raises(Refused):
            gateway.read_notice(headers, b'{"type": "attempt", "attempt": "a"}')
