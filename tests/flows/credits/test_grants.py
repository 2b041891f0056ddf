"""Billing credits pay for usage, from their grant to the books (§4.7)."""

from collections import Counter
from typing import Any

import pytest

from tests.support import invariants
from tests.support.world import Customer, World

METERED = {"scope": {"price_type": "metered"}}


def granted(world: World, customer: Customer, value: int, **more: Any) -> dict[str, Any]:
    form = {
        "customer": customer.id,
        "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": value}},
        "applicability_config": METERED,
        **more,
    }
    return world.post("/v1/billing/credit_grants", **form)


def using(world: World, units: int = 18) -> tuple[Customer, str]:
    """A customer with a metered price of a dollar, who has used so many units in January."""
    world.at("2025-01-01")
    price = world.metered("Calls", world.meter("calls"), cents="100")
    anna = world.customer("anna", card="visa")
    anna.subscribes_to(price)
    world.at("2025-01-31")
    anna.uses("calls", units, "2025-01-10")
    return anna, price


def left(world: World, customer: Customer) -> tuple[int, int]:
    """The ledger's and the available balance of a customer."""
    asked = {
        "customer": customer.id,
        "filter": {"type": "applicability_scope", "applicability_scope": METERED["scope"]},
    }
    [both] = world.get("/v1/billing/credit_balance_summary", **asked)["balances"]
    return both["ledger_balance"]["monetary"]["value"], both["available_balance"]["monetary"]["value"]


def balances(world: World) -> dict[str, int]:
    """The balances of the ledger's accounts that credits move, credits positive."""
    with world.api.app.db.transaction(world.api.tenant) as tx:
        found = tx.all(
            "select key, sum(amount)::bigint as n from (select credit as key, amount from ledger_transfers"
            " union all select debit, -amount from ledger_transfers) t group by key"
        )
    names = ("prepaid", "breakage", "revenue_adjustments", "revenue", "deferred_revenue")
    return {
        row["key"].split(":")[0]: row["n"] for row in found if row["key"].split(":")[0] in names and row["n"]
    }


def check(world: World) -> None:
    invariants.check_all(world.api.app.db, world.api.tenant)


def test_x103_grants_pay_in_their_order_and_the_books_say_so(world: World) -> None:
    anna, _ = using(world)
    ends = 1743465600  # 1 April
    a = granted(world, anna, 1000, expires_at=ends)
    b = granted(world, anna, 1000, expires_at=ends, category="promotional")
    c = granted(world, anna, 500, priority=10)
    assert balances(world) == {"prepaid": 1500, "revenue_adjustments": -1500}
    world.at("2025-02-01")
    draft = anna.last_invoice.data
    assert draft["status"] == "draft" and draft["total"] == 0
    assert {one["credit_balance_transaction"] for one in draft["total_pretax_credit_amounts"]} == {None}
    assert left(world, anna) == (2500, 2500), "a draft takes nothing"
    world.at("2025-02-01 02:00")
    invoice = anna.last_invoice.data
    assert (invoice["subtotal"], invoice["total"], invoice["amount_due"], invoice["status"]) == (
        1800,
        0,
        0,
        "paid",
    )
    paid = [(one["amount"], one["type"]) for one in invoice["total_pretax_credit_amounts"]]
    assert paid == [
        (500, "credit_balance_transaction"),
        (1000, "credit_balance_transaction"),
        (300, "credit_balance_transaction"),
    ]
    [line] = invoice["lines"]["data"]
    assert line["pretax_credit_amounts"] == invoice["total_pretax_credit_amounts"]
    named = [one["credit_balance_transaction"] for one in line["pretax_credit_amounts"]]
    grants = [world.get(f"/v1/billing/credit_balance_transactions/{id}")["credit_grant"] for id in named]
    assert grants == [c["id"], b["id"], a["id"]]
    assert left(world, anna) == (700, 700)
    # 8.00 of sold credits are earned as usage; promotional ones earn nothing.
    assert balances(world) == {"prepaid": 700, "revenue_adjustments": -1500, "revenue": 800}
    check(world)


def test_what_is_not_paid_by_credits_is_taxed_and_due(world: World) -> None:
    anna, price = using(world)
    rate = world.post("/v1/tax_rates", display_name="VAT", percentage="25", inclusive=False)["id"]
    [subscription] = world.get("/v1/subscriptions", customer=anna.id)["data"]
    world.post(f"/v1/subscriptions/{subscription['id']}", default_tax_rates=[rate])
    granted(
        world, anna, 1000, category="promotional", applicability_config={"scope": {"prices": [{"id": price}]}}
    )
    world.at("2025-02-01 02:00")
    invoice = anna.last_invoice.data
    assert (invoice["subtotal"], invoice["total_excluding_tax"], invoice["total"]) == (1800, 800, 1000)
    assert invoice["total_taxes"][0]["taxable_amount"] == 800
    check(world)


def test_voiding_the_invoice_gives_credits_back_and_what_has_expired_is_lost(world: World) -> None:
    anna, _ = using(world, 30)
    granted(world, anna, 1000)
    granted(world, anna, 500, priority=1, expires_at=1738540800)  # 3 February
    anna.pays_with("declining")
    world.at("2025-02-01 02:00")
    invoice = anna.last_invoice.data
    assert (invoice["status"], invoice["amount_due"]) == ("open", 1500)
    world.at("2025-02-04")
    world.post(f"/v1/invoices/{invoice['id']}/void")
    assert left(world, anna) == (1000, 1000)
    assert balances(world) == {"prepaid": 1000, "revenue_adjustments": -1500, "breakage": 500}
    kinds = [
        (one["credit"] or one["debit"])["type"]
        for one in world.get("/v1/billing/credit_balance_transactions", customer=anna.id)["data"]
    ]
    expected = {
        "credits_granted": 2,
        "credits_applied": 2,
        "credits_application_invoice_voided": 2,
        "credits_expired": 1,
    }
    assert Counter(kinds) == expected
    check(world)


def test_a_grant_expires_at_its_end(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    one = granted(world, anna, 1000, expires_at=1735776000)  # 2 January
    world.forget()
    transaction = "billing.credit_balance_transaction.created"
    world.at("2025-01-03", expect=[transaction, "billing.credit_grant.updated"])
    assert left(world, anna) == (0, 0)
    assert balances(world) == {"revenue_adjustments": -1000, "breakage": 1000}
    assert "expired" in world.refused(f"/v1/billing/credit_grants/{one['id']}/expire")["message"]


def test_expire_void_and_what_they_refuse(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    first, second = granted(world, anna, 1000), granted(world, anna, 300, expires_at=1767225600)
    ended = world.post(f"/v1/billing/credit_grants/{first['id']}/expire")
    assert ended["expires_at"] == 1735689600 and left(world, anna) == (300, 300)
    held = world.post(f"/v1/billing/credit_grants/{second['id']}", expires_at="")
    assert held["expires_at"] is None
    voided = world.post(f"/v1/billing/credit_grants/{second['id']}/void")
    assert voided["voided_at"] == 1735689600 and left(world, anna) == (0, 0)
    assert balances(world) == {"revenue_adjustments": -1000, "breakage": 1000}
    refused = world.refused(f"/v1/billing/credit_grants/{second['id']}/void")
    assert refused["status"] == 400 and "voided" in refused["message"]


def test_what_is_used_cannot_be_voided(world: World) -> None:
    anna, _ = using(world)
    one = granted(world, anna, 2000)
    world.at("2025-02-01 02:00")
    assert "applied to an invoice" in world.refused(f"/v1/billing/credit_grants/{one['id']}/void")["message"]


SCOPE = "applicability_config[scope]"


def scoped(**scope: Any) -> dict[str, Any]:
    return {"applicability_config": {"scope": scope}}


def of_value(value: int | None) -> dict[str, Any]:
    monetary = {} if value is None else {"monetary": {"currency": "usd", "value": value}}
    return {"amount": {"type": "monetary", **monetary}}


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        (scoped(price_type="metered", prices=[{"id": "{metered}"}]), SCOPE),
        (scoped(prices=[{"id": "{licensed}"}]), f"{SCOPE}[prices][0][id]"),
        (of_value(0), "amount[monetary][value]"),
        (of_value(None), "amount[monetary]"),
        ({"expires_at": 1735689600}, "expires_at"),
        ({"effective_at": 1735776000, "expires_at": 1735732800}, "expires_at"),
        ({"priority": 101}, "priority"),
        ({"category": "free"}, "category"),
        ({"name": "n" * 101}, "name"),
    ],
)
def test_what_is_refused(world: World, sent: dict[str, Any], param: str) -> None:
    world.at("2025-01-01")
    known = {
        "{metered}": world.metered("Calls", world.meter("calls"), cents="100"),
        "{licensed}": world.plan("Pro", usd=20),
    }
    for one in sent.get("applicability_config", {}).get("scope", {}).get("prices", []):
        one["id"] = known.get(one["id"], one["id"])
    form = {
        "customer": world.customer("anna").id,
        "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": 1}},
        "applicability_config": METERED,
        **sent,
    }
    assert world.refused("/v1/billing/credit_grants", **form)["param"] == param


def test_a_customer_has_at_most_a_hundred_unused_grants(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    for _ in range(100):
        granted(world, anna, 1)
    form = {
        "customer": anna.id,
        "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": 1}},
        "applicability_config": METERED,
    }
    assert "at most 100" in world.refused("/v1/billing/credit_grants", **form)["message"]
