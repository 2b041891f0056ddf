"""A balance: credit pays first, debt is added, small amounts are carried over (§7.5, X94 to X98)."""

import pytest

from tests.support.world import Customer, Invoice, World


def billed(customer: Customer, amount: int) -> Invoice:
    customer.owes(amount)
    invoice = customer.bills()
    invoice.does("finalize")
    return invoice


@pytest.mark.parametrize(
    ("balance", "total", "due", "status", "ending"),
    [
        (-1000, 700, 0, "paid", -300),
        (-500, 2000, 1500, "open", 0),
        (500, 1000, 1500, "open", 0),
        (0, 30, 0, "paid", 30),
        (0, -334, 0, "paid", -334),
        (-100, -50, 0, "paid", -150),
    ],
)
def test_an_invoice_is_netted_against_the_balance(
    world: World, balance: int, total: int, due: int, status: str, ending: int
) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", balance=balance)
    invoice = billed(anna, total).data
    found = (invoice["amount_due"], invoice["status"], invoice["starting_balance"], invoice["ending_balance"])
    assert found == (due, status, balance, ending)
    assert anna.now["balance"] == ending
    assert invoice["total"] == total


def test_an_amount_below_the_minimum_is_added_to_the_next_invoice(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    billed(anna, 30)
    second = billed(anna, 1000)
    assert second.data["amount_due"] == 1030
    second.does("pay")
    assert second.data["amount_paid"] == 1030
    assert anna.now["balance"] == 0


def test_credit_pays_for_renewals_until_it_is_used_up(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", balance=-5000)
    anna.subscribes_to(world.plan("Pro", usd=20))
    assert anna.now["balance"] == -3000
    for month in (2, 3, 4):
        world.at(f"2025-{month:02}-01 01:00")
    assert [invoice.data["amount_due"] for invoice in anna.invoices] == [0, 0, 1000, 2000]
    assert [invoice.data["ending_balance"] for invoice in anna.invoices] == [-3000, -1000, 0, 0]
    assert all(invoice.data["status"] == "paid" for invoice in anna.invoices)


def test_two_invoices_finalized_together_apply_the_balance_one_after_the_other(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", balance=-2500)
    for name in ("Pro", "Team"):
        anna.subscribes_to(world.plan(name, usd=20), trial_period_days=7)
    world.at("2025-01-08 01:00")
    assert sorted(invoice.data["amount_due"] for invoice in anna.invoices) == [0, 0, 0, 1500]
    assert anna.now["balance"] == 0


def test_voiding_an_invoice_returns_the_balance_that_it_applied(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", balance=-500)
    invoice = billed(anna, 2000)
    world.forget()
    invoice.does("void")
    world.check_events(["payment_intent.canceled", "invoice.voided", "customer.updated"])
    assert anna.now["balance"] == -500


def test_a_balance_set_by_hand_is_in_the_books(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", balance=-500)
    for balance in (-500, 700, 0):
        world.post(f"/v1/customers/{anna.id}", balance=balance)
        assert anna.now["balance"] == balance
    moved = world.get("/v1/ledger_transfers", customer=anna.id)["data"]
    assert sorted(transfer["amount"] for transfer in moved) == [500, 700, 1200]
