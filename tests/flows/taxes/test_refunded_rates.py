"""Is a refund without a credit note declared and booked as a credit note of the same amount would be?"""

from typing import Any

import pytest

from billow.app import App
from tests.flows.taxes.sellers import buyer, seller, standard, taxed
from tests.flows.taxes.test_credited_rates import balances, declared, sold
from tests.flows.taxes.test_returns import NUMBER, rows_of
from tests.support.world import World


def paid(world: World, invoice: dict[str, Any]) -> str:
    """Pay an invoice; return the intent that has paid it."""
    done = world.post(f"/v1/invoices/{invoice['id']}/pay", expand=["payments"])
    return str(done["payments"]["data"][0]["payment"]["payment_intent"])


@pytest.mark.parametrize("inclusive", [False, True], ids=["on top", "inside"])
def test_refunds_are_split_over_rates(app: App, world: World, inclusive: bool) -> None:
    """33.33 and 0.01 at 19 %, 14.99 at 7 %: whatever rounding does, all of them take back all."""
    invoice = sold(app, world, (3333, 19), (1499, 7), (1, 19), inclusive=inclusive)
    intent, left = paid(world, invoice), invoice["total"]
    for amount in (1000, 777, 1, 1500):
        world.post("/v1/refunds", payment_intent=intent, amount=amount)
        left -= amount
        assert sum(base + tax for base, tax in declared(app, world).values()) == left
    world.post("/v1/refunds", payment_intent=intent, amount=left)
    assert declared(app, world) == {}


def test_a_refund_gives_what_a_credit_note_of_its_amount_gives(app: App, world: World) -> None:
    """Of 172.50 with tax, 50.00: 28.99 at 19 % and 14.49 at 7 %, before and after a note takes it over."""
    invoice = sold(app, world, (10000, 19), (5000, 7))
    refund = world.post("/v1/refunds", payment_intent=paid(world, invoice), amount=5000)
    split = {"19": (10000 - 2899, 1900 - 551), "7": (5000 - 1449, 350 - 101)}
    assert declared(app, world) == split
    assert balances(app, world)["8720"] == -2899 and balances(app, world)["8710"] == -1449
    world.post("/v1/credit_notes", invoice=invoice["id"], amount=5000, refunds=[{"refund": refund["id"]}])
    assert declared(app, world) == split
    assert balances(app, world)["8720"] == -2899 and balances(app, world)["8710"] == -1449


def test_the_vouchers_of_a_refund_keep_their_treatment(app: App, world: World) -> None:
    """Two notes take it over, 20.00 and 30.00: what was booked by rate stays booked by rate."""
    invoice = sold(app, world, (10000, 19), (5000, 7))
    refund = world.post("/v1/refunds", payment_intent=paid(world, invoice), amount=5000)
    for amount in (2000, 3000):
        part = {"refund": refund["id"], "amount_refunded": amount}
        world.post("/v1/credit_notes", invoice=invoice["id"], amount=amount, refunds=[part])
        assert sum(base + tax for base, tax in declared(app, world).values()) == 17250 - 5000


def test_a_refund_that_fails_gives_its_bases_again(app: App, world: World) -> None:
    world.at("2026-01-09")
    method = world.post("/v1/payment_methods", type="card", card={"token": "tok_refundFail"})["id"]
    invoice = sold(app, world, (10000, 19), (5000, 7))
    world.post(f"/v1/payment_methods/{method}/attach", customer=invoice["customer"])
    done = world.post(f"/v1/invoices/{invoice['id']}/pay", payment_method=method, expand=["payments"])
    intent = done["payments"]["data"][0]["payment"]["payment_intent"]
    refund = world.post("/v1/refunds", payment_intent=intent, amount=5000)
    before = {"19": (10000, 1900), "7": (5000, 350)}
    assert {row[3]: row[5:] for row in rows_of(app, world, "vat")} == {"19": (7101, 1349), "7": (3551, 249)}
    world.at("2026-01-12")
    assert world.get(f"/v1/refunds/{refund['id']}")["status"] == "failed"
    assert declared(app, world) == before


def test_a_refund_of_a_reverse_charge_lowers_its_base(app: App, world: World) -> None:
    """Of 50.00 without tax, 10.00 is refunded: the base of the report and the EC sales list are 40.00."""
    seller(world, standard("SE"))
    invoice = world.post(f"/v1/invoices/{taxed(world, buyer(world, 'DE', **NUMBER), 5000)['id']}/finalize")
    world.post("/v1/refunds", payment_intent=paid(world, invoice), amount=1000)
    assert rows_of(app, world, "vat") == [("DE", "DE", "eu_reverse_charge", "0", "eur", 4000, 0)]
    assert rows_of(app, world, "ec_sales") == [("DE", "DE136695976", "services", "eur", 4000)]


def test_a_refund_of_what_has_no_tax_lowers_what_is_declared_of_it(app: App, world: World) -> None:
    anna = world.customer("anna")
    anna.owes(5000)
    invoice = anna.bills().does("finalize")
    world.post("/v1/refunds", payment_intent=paid(world, invoice), amount=1000)
    assert [row[-2:] for row in rows_of(app, world, "vat")] == [(4000, 0)]
