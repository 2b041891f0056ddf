"""Does each invariant find its fault? Faults are planted in a sound world and rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec
import pytest

from billow.app import App
from billow.core import lifecycle
from billow.reports.invariants import event_histories
from billow.store.packed import pack, unpack
from billow.store.tx import Tx
from tests.support import invariants
from tests.support.invariants import CHECKS
from tests.support.world import World


class TakenBack(Exception):
    """Raised to roll a transaction back."""


@contextmanager
def rolled_back(app: App, world: World) -> Iterator[Tx]:
    """A transaction that is rolled back."""
    with suppress(TakenBack), app.db.transaction(world.api.tenant) as tx:
        yield tx
        raise TakenBack


def complaints(tx: Tx) -> list[str]:
    return [name for name, check in CHECKS.items() if list(check(tx))]


SLIPPED = (
    "insert into ledger_transfers (id, created, debit, credit, amount, currency, event, source, sequence)"
    " values ('ltr_slipped', '2025-01-01',"
)
FAULTS = {
    "update customers set balance = 7": "balances_are_booked",
    "update charges set amount = amount + 1": "charges_are_booked",
    "delete from balance_transactions": "charges_are_booked",
    "update payment_intents set status = 'requires_payment_method'": "intents_and_invoices_agree",
    "update attempts set state = 'processing'": "nothing_hangs",
    "update invoices set status = 'open', amount_paid = 0": "receivables_are_open_invoices",
    "update invoices set total = total + 1": "totals_are_sums",
    "update invoices set amount_paid = amount_due + 1": "totals_are_sums",
    "update invoice_lines set earned = earned + 1": "deferred_is_unearned",
    "insert into ledger_transfers (id, created, debit, credit, amount, currency, event, source, sequence,"
    " customer) select 'ltr_slipped', '2025-01-01', 'unbilled', 'revenue:none', 5, 'usd', 'x', 'x', 0, id"
    " from customers limit 1": "unbilled_is_invoiced",
    "update invoices set number = replace(number, '0002', '0003')": "numbers_are_in_sequence",
    "update invoices set number = replace(number, '0001', '0009')": "numbers_are_in_sequence",
    "update invoices set number = 'ours' where number like '%%-0001'": "numbers_are_in_sequence",
    "update customers set next_invoice_sequence = 9": "numbers_are_in_sequence",
    "with gone as (delete from invoices where number like '%%-0002' returning number)"
    " select number from gone": "numbers_are_in_sequence",
    "update invoices set finalized_at = '2026-01-01' where number like '%%-0001'": "numbers_are_in_sequence",
    "update jobs set run_at = '2100-01-01' where kind = 'revenue.recognize'": "timers_are_set",
    "update subscriptions set status = 'past_due'": "statuses_agree",
    "update subscriptions set status = 'canceled'": "statuses_agree",
    "update subscriptions set status_details = '{}'": "statuses_agree",
    "delete from jobs where kind = 'subscription.renew'": "statuses_agree",
    "delete from jobs where kind = 'revenue.recognize'": "timers_are_set",
    "update charges set amount_captured = amount_captured + 1": "charges_are_booked",
    "update charges set balance_transaction = null": "charges_are_booked",
    "update balance_transactions set net = net - 1, fee = fee + 1": "charges_are_booked",
    f"{SLIPPED} 'clearing:simulated', 'bank', 1, 'usd', 'gift', 'nobody', 0)": "the_ledger_is_sealed",
    f"{SLIPPED} 'bank', 'deferred_revenue', 1, 'usd', 'gift', 'nobody', 0)": "transfers_name_their_customer",
    "update jobs set kind = 'subscription.expire' where kind = 'subscription.renew' and tenant ="
    " current_setting('billow.tenant')": "statuses_agree",
    "update jobs set parked = true": "nothing_is_late",
    "update jobs set run_at = '2024-01-01'": "nothing_is_late",
}


@pytest.mark.parametrize(("fault", "check"), FAULTS.items())
def test_a_planted_fault_is_found(world: World, app: App, fault: str, check: str) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=20))
    world.at("2025-02-01 01:00")
    with rolled_back(app, world) as tx:
        assert complaints(tx) == []
        assert tx.run(fault)
        assert check in complaints(tx)


def test_swapped_numbers_are_found_but_not_a_number_set_by_a_person(world: World, app: App) -> None:
    world.at("2025-01-01")
    anna, ben = world.customer("anna", invoice_prefix="ANNA"), world.customer("ben", invoice_prefix="BENC")
    for person in (anna, ben):
        person.subscribes_to(world.plan("Pro", usd=20))
    world.at("2025-02-01 01:00")
    world.post(f"/v1/customers/{anna.id}", next_invoice_sequence=7)
    by_hand = world.post("/v1/invoices", customer=ben.id, auto_advance="false", number="by hand")["id"]
    world.at("2025-03-01 01:00")
    world.post(f"/v1/invoices/{by_hand}/finalize")
    world.post(f"/v1/customers/{ben.id}", invoice_prefix="BENJAMIN")
    world.at("2025-05-01 01:00")
    assert [one.data["number"] for one in anna.invoices][1:3] == ["ANNA-0002", "ANNA-0007"]
    assert [one.data["number"] for one in ben.invoices][-2:] == ["BENJAMIN-0004", "BENJAMIN-0005"]
    with rolled_back(app, world) as tx:
        assert complaints(tx) == []
        tx.run("update invoices set number = 'swapped' where number = 'ANNA-0008'")
        assert complaints(tx) == ["numbers_are_in_sequence"]
        tx.run("update invoices set number = 'ANNA-0008' where number = 'ANNA-0009'")
        tx.run("update invoices set number = 'ANNA-0009' where number = 'swapped'")
        assert complaints(tx) == ["numbers_are_in_sequence"]


REDUCED = {
    "update invoice_lines set net = net - 1": "totals_are_sums",
    "update invoice_lines set taxes = '[]'": "totals_are_sums",
    "update invoices set total_discount_amounts = '[]'": "totals_are_sums",
    "update invoices set total_taxes = '[]'": "taxes_are_booked",
    "update coupons set duration = 'once'": "once_coupons_are_used_once",
}


@pytest.mark.parametrize(("fault", "check"), REDUCED.items())
def test_a_fault_in_discounts_or_taxes_is_found(world: World, app: App, fault: str, check: str) -> None:
    world.at("2025-01-01")
    terms = {
        "discounts": [{"coupon": world.coupon(percent_off=10, duration="forever")}],
        "default_tax_rates": [world.tax(19), world.tax(2, inclusive=True)],
    }
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20), **terms)
    world.at("2025-02-01 01:00")
    with rolled_back(app, world) as tx:
        assert complaints(tx) == []
        assert tx.run(fault)
        assert check in complaints(tx)


CREDITED = {
    "update credit_note_lines set net = net + 1": "credit_notes_are_sums",
    "update credit_notes set out_of_band_amount = null": "credit_notes_are_sums",
    "update credit_notes set taken_back = '{}'": "credit_notes_are_sums",
    "update invoices set post_payment_credit_notes_amount = 0": "credit_notes_are_bounded",
    "update invoices set total = 100": "credit_notes_are_bounded",
    "update invoice_lines set credited = 0": "deferred_is_unearned",
    "update credit_notes set total_taxes = '[]'": "taxes_are_booked",
    "update refunds set granted = null": "taxes_are_booked",
}


@pytest.mark.parametrize(("fault", "check"), CREDITED.items())
def test_a_fault_in_credit_notes_is_found(world: World, app: App, fault: str, check: str) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.owes(1000)
    invoice = anna.bills(default_tax_rates=[world.tax(25)])
    invoice.does("pay")
    given = {"refund_amount": 100, "out_of_band_amount": 150}
    world.post("/v1/credit_notes", invoice=invoice.data["id"], amount=250, **given)
    [charge] = world.get("/v1/charges", customer=anna.id)["data"]
    world.post("/v1/refunds", charge=charge["id"], amount=250)
    with rolled_back(app, world) as tx:
        assert complaints(tx) == []
        assert tx.run(fault)
        assert check in complaints(tx)


@pytest.mark.parametrize(
    ("part", "status", "check"),
    [
        ("previous_attributes", "void", "previous_attributes_are_right"),
        ("object", "deleted", "statuses_follow_lifecycle"),
    ],
)
def test_an_inconsistent_history_is_found(world: World, app: App, part: str, status: str, check: str) -> None:
    world.at("2025-01-01")
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20))
    with rolled_back(app, world) as tx:
        told = tx.tuples("select id, data from events where type = 'invoice.updated'")
        assert told
        for id, data in told:
            content = unpack(data)
            content[part]["status"] = status
            packed = pack(msgspec.json.encode(content))
            tx.run("update events set data = %(data)s where id = %(id)s", id=id, data=packed)
        assert check in complaints(tx)


def test_a_skipped_step_is_found() -> None:
    assert "past_due" not in event_histories.one_step(lifecycle.SUBSCRIPTION, "incomplete")
    assert "past_due" in lifecycle.reachable(lifecycle.SUBSCRIPTION, "incomplete")


def test_every_invariant_is_asked() -> None:
    def asks(found: object) -> bool:
        hints = getattr(found, "__annotations__", {})
        return list(hints) == ["tx", "return"] and hints["return"] == Iterator[str]

    assert {name for name, found in vars(invariants).items() if asks(found)} == {
        c.__name__ for c in invariants.OWN
    }
    assert CHECKS.keys() >= {rule.name for rule in invariants.RULES}
