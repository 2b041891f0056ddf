"""Does a revision take the credits that its original gives back, as if it had been billed right at once?"""

from typing import Any

import pytest

from billow.api import rows
from billow.resources.credit_grant import CreditGrant
from tests.flows.credits.test_grants import balances, granted
from tests.flows.invoices.test_revisions import revised
from tests.support.world import Customer, World, seconds

SENT = {"collection_method": "send_invoice", "days_until_due": 14}
SOON = "2025-02-10"


def left(world: World, customer: Customer) -> dict[str, int]:
    """What is left of each grant of a customer, by its name."""
    with world.api.app.db.snapshot(world.api.tenant) as tx:
        found = rows.select(tx, CreditGrant, "customer = %(id)s", id=customer.id)
    return {one.name or "": one.balance for one in found}


def moved(world: World, customer: Customer) -> int:
    """What the transactions of a customer's grants add up to, the grants themselves with them."""
    found = world.get("/v1/billing/credit_balance_transactions", customer=customer.id, limit=100)["data"]
    signs = ((1, "credit"), (-1, "debit"))
    return sum(
        sign * one[side]["amount"]["monetary"]["value"] for one in found for sign, side in signs if one[side]
    )


def user(world: World, name: str, price: str, grants: dict[str, dict[str, Any]], **more: Any) -> Customer:
    """A customer with grants, who has used 60 units of a dollar in January and pays by invoice."""
    made = world.customer(name)
    for title, terms in grants.items():
        value = terms["value"]
        granted(world, made, value, name=title, **{one: terms[one] for one in terms.keys() - {"value"}})
    made.subscribes_to(price, **SENT, **more)
    return made


CASES: dict[str, dict[str, dict[str, Any]]] = {
    "all of one": {"A": {"value": 2000}},
    "two in their order": {"A": {"value": 2000, "priority": 10}, "B": {"value": 1500}},
    "promotional": {"A": {"value": 4000, "category": "promotional"}},
    "one that expires meanwhile": {"A": {"value": 4000, "expires_at": seconds(SOON)}},
    "one of two expires meanwhile": {
        "A": {"value": 1500, "expires_at": seconds(SOON)},
        "B": {"value": 2500, "category": "promotional"},
    },
}


@pytest.mark.parametrize("percent", [25, 90])
@pytest.mark.parametrize("name", CASES)
def test_the_grants_are_as_if_it_had_been_billed_right_at_once(world: World, name: str, percent: int) -> None:
    world.at("2025-01-01")
    price = world.metered("Calls", world.meter("calls"), cents="100")
    off = world.coupon(percent_off=percent, duration="once")
    anna = user(world, "anna", price, CASES[name])
    ben = user(world, "ben", price, CASES[name], discounts=[{"coupon": off}])
    world.at("2025-01-10")
    for one in (anna, ben):
        one.uses("calls", 60, "2025-01-05")
    world.at("2025-02-01 02:00")
    wrong, right = (next(i for i in one.invoices if i.data["subtotal"]) for one in (anna, ben))
    assert wrong.status == "open" and wrong.data["total"] > 0
    world.at("2025-02-15")
    draft = revised(anna, wrong, discounts=[{"coupon": off}])
    assert draft.data["total"] == right.data["total"]  # the draft shows what the original gives back
    draft.does("finalize")
    assert draft.data["total"] == right.data["total"] and wrong.status == "void"
    assert left(world, anna) == left(world, ben)
    assert moved(world, anna) == sum(left(world, anna).values())
    assert moved(world, ben) == moved(world, anna)


def test_the_books_hold_what_they_hold_of_one_that_was_right(world: World) -> None:
    """Of 40.00 that were sold 60.00 of usage took all; the revision bills 30.00, so 10.00 are owed again."""
    world.at("2025-01-01")
    price = world.metered("Calls", world.meter("calls"), cents="100")
    anna = user(world, "anna", price, {"A": {"value": 4000}})
    world.at("2025-01-10")
    anna.uses("calls", 60, "2025-01-05")
    world.at("2025-02-01 02:00")
    [wrong] = [one for one in anna.invoices if one.data["subtotal"]]
    assert balances(world)["revenue"] == 6000
    draft = revised(anna, wrong, discounts=[{"coupon": world.coupon(percent_off=50, duration="once")}])
    draft.does("finalize")
    assert (draft.data["total"], draft.status) == (0, "paid")
    held = balances(world)
    assert (held["prepaid"], held["revenue"]) == (1000, 3000)
    assert left(world, anna) == {"A": 1000}


def test_a_draft_that_is_not_finalized_gives_nothing_back(world: World) -> None:
    """Nor does another invoice of the customer draw what only the revision may take."""
    world.at("2025-01-01")
    price = world.metered("Calls", world.meter("calls"), cents="100")
    anna = user(world, "anna", price, {"A": {"value": 4000}})
    world.at("2025-01-10")
    anna.uses("calls", 60, "2025-01-05")
    world.at("2025-02-01 02:00")
    [wrong] = [one for one in anna.invoices if one.data["subtotal"]]
    draft = revised(anna, wrong)
    assert draft.data["total"] == 2000
    assert left(world, anna) == {"A": 0}
    anna.uses("calls", 10, "2025-02-01 01:00")
    world.at("2025-03-01 02:00")
    later = [one for one in anna.invoices if one.data["subtotal"] == 1000]
    assert [one.data["total"] for one in later] == [1000]
    world.post(f"/v1/invoices/{wrong.data['id']}/void")
    refused = world.refused(f"/v1/invoices/{draft.data['id']}/finalize")
    assert "is void" in refused["message"]
    assert left(world, anna) == {"A": 4000}
