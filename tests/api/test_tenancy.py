"""Does an account see no rows of another, even if a query forgets to filter?"""

from typing import Any

import psycopg
import pytest

from tests.conftest import new_caller


def test_another_account_hears_404_as_if_there_were_nothing(api: Any, other: Any) -> None:
    made = api.post("/v1/customers", {"name": "Ann"})["id"]
    answer = other.get(f"/v1/customers/{made}")
    assert answer.status == 404
    assert answer["error"] == {
        "type": "invalid_request_error",
        "code": "resource_missing",
        "param": "id",
        "message": f"No such customer: '{made}'",
        "doc_url": "https://docs.stripe.com/error-codes/resource-missing",
    }
    assert other.post(f"/v1/customers/{made}", {"name": "Eve"}).status == 404
    assert other.delete(f"/v1/customers/{made}").status == 404
    assert other.get("/v1/customers")["data"] == [] and other.get("/v1/events")["data"] == []
    assert api.get(f"/v1/customers/{made}")["name"] == "Ann"


def test_the_other_mode_of_the_same_account_is_named(app: Any, api: Any) -> None:
    live = new_caller(app, "live", api.account)
    made = api.post("/v1/customers", {"name": "Ann"})
    assert made["livemode"] is False and live.post("/v1/customers")["livemode"] is True
    answer = live.get(f"/v1/customers/{made['id']}")
    assert answer.status == 404
    assert answer["error"]["message"] == (
        f"No such customer: '{made['id']}'; a similar object exists in test mode, but a live mode key"
        " was used to make this request."
    )
    assert live.get("/v1/customers")["data"] != [] and len(api.get("/v1/customers")["data"]) == 1


def test_a_reference_to_what_is_anothers_is_refused(api: Any, other: Any) -> None:
    product = other.post("/v1/products", {"name": "Gold"})["id"]
    answer = api.post("/v1/prices", {"product": product, "currency": "usd", "unit_amount": "1"})
    assert (answer.status, answer["error"]["param"]) == (400, "product")
    assert answer["error"]["message"] == f"No such product: '{product}'"


def test_the_same_id_may_be_chosen_by_two_accounts(api: Any, other: Any) -> None:
    for caller, name in ((api, "Ours"), (other, "Theirs")):
        assert caller.post("/v1/products", {"id": "gold", "name": name})["id"] == "gold"
    assert api.get("/v1/products/gold")["name"] == "Ours"
    assert other.post("/v1/products/gold", {"name": "Changed"})["name"] == "Changed"
    assert api.get("/v1/products/gold")["name"] == "Ours"
    again = api.post("/v1/products", {"id": "gold", "name": "Twice"})
    assert (again.status, again["error"]["code"]) == (400, "resource_already_exists")
    assert other.delete("/v1/products/gold")["deleted"] is True
    assert api.get("/v1/products/gold").status == 200


def test_raw_sql_sees_and_takes_only_the_tenants_rows(app: Any, api: Any, other: Any) -> None:
    ours, theirs = api.post("/v1/customers")["id"], other.post("/v1/customers")["id"]
    with app.db.transaction(api.tenant) as tx:
        assert [row["id"] for row in tx.all("select id from customers")] == [ours]
        assert tx.run("update customers set name = 'Eve'") == 1
        assert tx.run("delete from customers where id = %(id)s", id=theirs) == 0
    assert other.get(f"/v1/customers/{theirs}")["name"] is None
    columns = "id, created, invoice_settings, invoice_prefix, tenant"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), app.db.transaction(api.tenant) as tx:
        tx.run(
            f"insert into customers ({columns}) values ('cus_x', %(now)s, '{{}}', 'X', %(tenant)s)",
            now=tx.now,
            tenant=other.tenant,
        )


def test_without_a_tenant_nothing_is_seen(app: Any, api: Any) -> None:
    api.post("/v1/customers")
    with app.db.connection() as conn:
        for table in ("customers", "events", "idempotency_keys"):
            assert conn.execute(f"select count(*) from {table}").fetchone()[0] == 0


def test_every_table_with_a_tenant_is_held_by_row_level_security(app: Any) -> None:
    with app.db.connection() as conn:
        open_tables = conn.execute(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
            " and a.attname = 'tenant'"
            " where c.relkind = 'r' and not (c.relrowsecurity and c.relforcerowsecurity)"
            " and c.relnamespace = 'billow'::regnamespace order by 1"
        ).fetchall()
    assert [name for (name,) in open_tables] == ["jobs"]


def test_a_tenant_that_is_none_is_no_transaction(app: Any) -> None:
    with pytest.raises(ValueError), app.db.transaction("x'; drop table customers; --/test"):
        pass
