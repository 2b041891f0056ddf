"""Does every change of a customer's balance leave a transaction, and do the books say the same?"""

from types import ModuleType
from typing import Any

import pytest

from billow.ledger import balances

USD = {"amount": "-500", "currency": "usd"}


def path(customer: str, tail: str = "") -> str:
    return f"/v1/customers/{customer}/balance_transactions{tail}"


def kinds(api: Any, customer: str) -> list[tuple[str, int, int]]:
    """List type, amount and ending balance of a customer's transactions, the oldest first."""
    found = api.get(path(customer))["data"]
    return [(row["type"], row["amount"], row["ending_balance"]) for row in reversed(found)]


def check_books(api: Any) -> None:
    """Check that each customer's account in the ledger is its balance with the other sign."""
    with api.app.db.transaction(api.tenant) as tx:
        customers = tx.all("select id, balance from customers")
        assert customers
        trial = {row.account: row.balance for row in balances.trial_balance(tx)}
        assert {c["id"]: trial.get(f"customer_balance:{c['id']}", 0) for c in customers} == {
            c["id"]: c["balance"] for c in customers
        }
        last = tx.all(
            "select distinct on (customer) customer, ending_balance from customer_balance_transactions"
            " order by customer, id desc"
        )
        balance = {c["id"]: c["balance"] for c in customers}
        assert all(row["ending_balance"] == balance[row["customer"]] for row in last)
        sums = tx.all(
            "select customer, sum(amount)::bigint as n from customer_balance_transactions group by 1"
        )
        assert {row["customer"]: row["n"] for row in sums} == {
            c: b for c, b in balance.items() if c in {r["customer"] for r in sums}
        }


def invoice(api: Any, customer: str, amount: int) -> dict[str, Any]:
    api.post("/v1/invoiceitems", {"customer": customer, "amount": str(amount), "currency": "usd"})
    made = api.post(
        "/v1/invoices",
        {
            "customer": customer,
            "pending_invoice_items_behavior": "include",
            "collection_method": "send_invoice",
            "days_until_due": "30",
        },
    )
    assert made.status == 200, made
    return dict(api.post(f"/v1/invoices/{made['id']}/finalize"))


def test_a_balance_set_by_hand_is_initial_and_then_adjusted(api: Any, contract: ModuleType) -> None:
    ann = api.post("/v1/customers", {"balance": "-500"})["id"]
    api.post(f"/v1/customers/{ann}", {"balance": "200"})
    api.post(f"/v1/customers/{ann}", {"balance": "200"})
    assert kinds(api, ann) == [("initial", -500, -500), ("adjustment", 700, 200)]
    for row in api.get(path(ann))["data"]:
        assert (contract.problems(row), contract.absent(row)) == ([], [])
    check_books(api)


def test_an_adjustment_moves_the_balance_and_sets_the_currency(api: Any, contract: ModuleType) -> None:
    ann = api.post("/v1/customers")["id"]
    made = api.post(
        path(ann), {"amount": "-500", "currency": "EUR", "description": "Sorry", "metadata[a]": "1"}
    )
    assert made.status == 200 and contract.problems(made) == [] and contract.absent(made) == []
    assert made["type"] == "adjustment" and made["id"].startswith("cbtxn_") and made["customer"] == ann
    assert (made["ending_balance"], made["description"], made["metadata"]) == (-500, "Sorry", {"a": "1"})
    shown = api.get(f"/v1/customers/{ann}", {"expand[]": "invoice_credit_balance"})
    assert (shown["balance"], shown["currency"], shown["invoice_credit_balance"]) == (
        -500,
        "eur",
        {"eur": 500},
    )
    refused = api.post(path(ann), USD)
    assert (refused.status, refused["error"]["param"]) == (400, "currency")
    assert api.get(path(ann, f"/{made['id']}")) == made
    check_books(api)


def test_only_the_description_and_metadata_of_a_transaction_change(api: Any) -> None:
    ann, bob = api.post("/v1/customers")["id"], api.post("/v1/customers")["id"]
    made = api.post(path(ann), {**USD, "description": "First", "metadata[a]": "1"})
    changed = api.post(path(ann, f"/{made['id']}"), {"description": "", "metadata[b]": "2"})
    assert (changed["description"], changed["metadata"]) == (None, {"a": "1", "b": "2"})
    assert api.post(path(ann, f"/{made['id']}"), {"amount": "1"})["error"]["code"] == "parameter_unknown"
    assert api.get(path(bob, f"/{made['id']}")).status == 404
    assert api.post(path(bob, f"/{made['id']}"), {"description": "x"}).status == 404
    assert api.delete(path(ann, f"/{made['id']}")).status == 404


@pytest.mark.parametrize("missing", ["amount", "currency"])
def test_an_adjustment_needs_its_amount_and_its_currency(api: Any, missing: str) -> None:
    ann = api.post("/v1/customers")["id"]
    sent = {name: value for name, value in USD.items() if name != missing}
    assert api.post(path(ann), sent)["error"]["code"] == "parameter_missing"


def test_an_invoice_applies_the_balance_and_returns_it_when_it_is_void(api: Any) -> None:
    ann = api.post("/v1/customers")["id"]
    api.post(path(ann), {"amount": "-700", "currency": "usd"})
    bill = invoice(api, ann, 1000)
    assert (bill["amount_due"], bill["starting_balance"], bill["ending_balance"]) == (300, -700, 0)
    check_books(api)
    assert api.post(f"/v1/invoices/{bill['id']}/void").status == 200
    assert kinds(api, ann) == [
        ("adjustment", -700, -700),
        ("applied_to_invoice", 700, 0),
        ("unapplied_from_invoice", -700, -700),
    ]
    listed = api.get(path(ann), {"invoice": bill["id"]})["data"]
    assert [row["type"] for row in listed] == ["unapplied_from_invoice", "applied_to_invoice"]
    assert listed[0]["invoice"] == bill["id"]
    check_books(api)


def test_a_debt_is_added_to_the_next_invoice(api: Any) -> None:
    ann = api.post("/v1/customers", {"balance": "250"})["id"]
    bill = invoice(api, ann, 1000)
    assert bill["amount_due"] == 1250
    assert kinds(api, ann)[-1] == ("applied_to_invoice", -250, 0)
    check_books(api)


def test_an_amount_below_the_minimum_is_carried_over_in_the_balance(api: Any) -> None:
    ann = api.post("/v1/customers")["id"]
    api.post("/v1/invoiceitems", {"customer": ann, "amount": "30", "currency": "usd"})
    made = api.post("/v1/invoices", {"customer": ann, "pending_invoice_items_behavior": "include"})
    done = api.post(f"/v1/invoices/{made['id']}/finalize")
    assert (done["status"], done["amount_due"]) == ("paid", 0)
    assert kinds(api, ann) == [("invoice_too_small", 30, 30)]
    check_books(api)


def test_what_exceeds_the_largest_charge_is_carried_over_in_the_balance(api: Any) -> None:
    """1,500,000.00: 999,999.99 are charged, the rest by the next invoice; a sent one asks for all of it."""
    ann = api.post("/v1/customers")["id"]

    def charged(amount: int) -> dict[str, Any]:
        api.post("/v1/invoiceitems", {"customer": ann, "amount": str(amount), "currency": "usd"})
        made = api.post("/v1/invoices", {"customer": ann, "pending_invoice_items_behavior": "include"})
        return dict(api.post(f"/v1/invoices/{made['id']}/finalize"))

    done = charged(150_000_000)
    assert (done["total"], done["amount_due"], done["ending_balance"]) == (
        150_000_000,
        99_999_999,
        50_000_001,
    )
    assert kinds(api, ann) == [("invoice_too_large", 50_000_001, 50_000_001)]
    voided = api.post(f"/v1/invoices/{done['id']}/void")
    assert voided["status"] == "void" and kinds(api, ann)[-1] == ("unapplied_from_invoice", -50_000_001, 0)
    charged(150_000_000)
    assert charged(1000)["amount_due"] == 50_001_001
    assert invoice(api, api.post("/v1/customers")["id"], 150_000_000)["amount_due"] == 150_000_000
    check_books(api)


def test_transactions_are_paged_and_found_by_their_time(api: Any) -> None:
    ann = api.post("/v1/customers")["id"]
    ids = [api.post(path(ann), USD)["id"] for _ in range(3)]
    first = api.get(path(ann), {"limit": 2})
    assert [row["id"] for row in first["data"]] == ids[:0:-1] and first["has_more"]
    rest = api.get(path(ann), {"starting_after": ids[1]})
    assert [row["id"] for row in rest["data"]] == ids[:1]
    assert api.get(path(ann), {"created[gte]": "4000000000"})["data"] == []
    assert len(api.get(path(ann), {"created[lt]": "4000000000"})["data"]) == 3


def test_books_that_do_not_agree_are_found(api: Any) -> None:
    api.post("/v1/customers", {"balance": "-500"})
    with api.app.db.transaction(api.tenant) as tx:
        tx.run("update customers set balance = 7")
    with pytest.raises(AssertionError):
        check_books(api)
