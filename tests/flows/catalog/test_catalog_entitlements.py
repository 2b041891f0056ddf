"""Which entitlements has a customer, by the features of the products that it subscribes to?"""

from types import ModuleType
from typing import Any

SUMMARY = "entitlements.active_entitlement_summary.updated"


def feature(api: Any, key: str) -> str:
    return str(api.post("/v1/entitlements/features", {"name": key.title(), "lookup_key": key})["id"])


def add_feature(api: Any, product: str, id: str) -> Any:
    return api.post(f"/v1/products/{product}/features", {"entitlement_feature": id})


def plan(api: Any, name: str) -> Any:
    sent = {"currency": "usd", "interval": "month", "product[name]": name, "amount": "500", "id": name}
    return api.post("/v1/plans", sent)


def customer(api: Any) -> str:
    default = {"invoice_settings[default_payment_method]": "pm_card_visa"}
    return str(api.post("/v1/customers", {"payment_method": "pm_card_visa", **default})["id"])


def subscribe(api: Any, customer: str, price: str, **more: str) -> Any:
    return api.post("/v1/subscriptions", {"customer": customer, "items[0][price]": price, **more})


def active(api: Any, customer: str) -> list[str]:
    listed = api.get("/v1/entitlements/active_entitlements", {"customer": customer})["data"]
    return sorted(row["lookup_key"] for row in listed)


def test_a_lookup_key_never_changes(api: Any, other: Any) -> None:
    id = feature(api, "export")
    again = api.post("/v1/entitlements/features", {"name": "x", "lookup_key": "export"})
    assert (again.status, again["error"]["param"]) == (400, "lookup_key")
    assert other.post("/v1/entitlements/features", {"name": "x", "lookup_key": "export"}).status == 200
    path = f"/v1/entitlements/features/{id}"
    assert api.post(path, {"lookup_key": "y"})["error"]["code"] == "parameter_unknown"
    changed = api.post(path, {"name": "Exports", "metadata[a]": "1"})
    assert (changed["name"], changed["metadata"], changed["active"]) == ("Exports", {"a": "1"}, True)
    for sent, param in [
        ({"name": "x"}, "lookup_key"),
        ({"lookup_key": "x"}, "name"),
        ({"name": "x", "lookup_key": "k" * 81}, "lookup_key"),
        ({"name": "x" * 81, "lookup_key": "k"}, "name"),
        ({"name": "x", "lookup_key": "k", "active": "true"}, "active"),
    ]:
        assert api.post("/v1/entitlements/features", sent)["error"]["param"] == param, sent


def test_features_are_filtered(api: Any) -> None:
    one, two = feature(api, "one"), feature(api, "two")
    api.post(f"/v1/entitlements/features/{one}", {"active": "false"})
    for query, found in [
        ({}, [two, one]),
        ({"archived": "true"}, [one]),
        ({"archived": "false"}, [two]),
        ({"lookup_key": "one"}, [one]),
        ({"lookup_key": "none"}, []),
        ({"limit": "1"}, [two]),
        ({"starting_after": two}, [one]),
    ]:
        listed = api.get("/v1/entitlements/features", query)["data"]
        assert [row["id"] for row in listed] == found, query


def test_a_product_has_each_feature_once(api: Any, contract: ModuleType) -> None:
    product, export = api.post("/v1/products", {"name": "Gold"})["id"], feature(api, "export")
    made = add_feature(api, product, export)
    assert (contract.problems(made), contract.absent(made)) == ([], [])
    assert made["entitlement_feature"] == api.get(f"/v1/entitlements/features/{export}")
    assert add_feature(api, product, export)["error"]["code"] == "resource_already_exists"
    assert add_feature(api, product, "feat_none")["error"]["param"] == "entitlement_feature"
    assert add_feature(api, "prod_none", export).status == 404
    archived = feature(api, "old")
    api.post(f"/v1/entitlements/features/{archived}", {"active": "false"})
    assert add_feature(api, product, archived)["error"]["param"] == "entitlement_feature"
    more = add_feature(api, product, feature(api, "more"))
    path = f"/v1/products/{product}/features"
    listed = api.get(path, {"limit": "1"})
    assert (listed["data"], listed["has_more"], listed["url"]) == ([more], True, path)
    assert api.get(path, {"starting_after": more["id"]})["data"] == [made]
    assert api.get(path, {"ending_before": made["id"]})["data"] == [more]
    assert api.get(f"{path}/{made['id']}") == made
    elsewhere = api.post("/v1/products", {"name": "Silver"})["id"]
    assert api.get(f"/v1/products/{elsewhere}/features/{made['id']}").status == 404
    assert api.delete(f"/v1/products/{elsewhere}/features/{made['id']}").status == 404
    stub = {"id": made["id"], "object": "product_feature", "deleted": True}
    assert api.delete(f"{path}/{made['id']}") == stub and api.get(path)["data"] == [more]
    assert api.delete(f"/v1/products/{product}").status == 200


def test_a_customer_has_the_entitlements_of_its_running_subscriptions(
    api: Any, other: Any, contract: ModuleType
) -> None:
    gold, silver = plan(api, "gold"), plan(api, "silver")
    export, audit = feature(api, "export"), feature(api, "audit")
    add_feature(api, gold["product"], export)
    add_feature(api, gold["product"], audit)
    add_feature(api, silver["product"], export)
    ann, bob = customer(api), customer(api)
    first, second = subscribe(api, ann, "gold"), subscribe(api, ann, "silver", trial_period_days="7")
    assert (active(api, ann), active(api, bob)) == (["audit", "export"], [])
    page = api.get("/v1/entitlements/active_entitlements", {"customer": ann, "expand[]": "data.feature"})
    for entitlement in page["data"]:
        assert (contract.problems(entitlement), contract.absent(entitlement)) == ([], [])
        shown = api.get(f"/v1/entitlements/active_entitlements/{entitlement['id']}")
        assert shown == {**entitlement, "feature": entitlement["feature"]["id"]}
        assert other.get(f"/v1/entitlements/active_entitlements/{entitlement['id']}").status == 404
    one, two = page["data"]
    after = {"customer": ann, "limit": "1", "starting_after": one["id"]}
    assert [row["id"] for row in api.get("/v1/entitlements/active_entitlements", after)["data"]] == [
        two["id"]
    ]
    api.delete(f"/v1/subscriptions/{first['id']}")
    assert active(api, ann) == ["export"]
    api.delete(f"/v1/subscriptions/{second['id']}")
    assert active(api, ann) == []
    assert api.get("/v1/entitlements/active_entitlements")["error"]["param"] == "customer"
    unknown = api.get("/v1/entitlements/active_entitlements", {"customer": "cus_none"})
    assert (unknown.status, unknown["error"]["code"]) == (400, "resource_missing")


def test_an_unpaid_first_invoice_gives_no_entitlements(api: Any) -> None:
    add_feature(api, plan(api, "gold")["product"], feature(api, "export"))
    ann = customer(api)
    made = subscribe(api, ann, "gold", payment_behavior="default_incomplete")
    assert (made["status"], active(api, ann)) == ("incomplete", [])
    api.post(f"/v1/invoices/{made['latest_invoice']}/pay")
    assert active(api, ann) == ["export"]


def test_removing_a_feature_from_a_product_ends_the_entitlement_at_once(api: Any) -> None:
    product, export = plan(api, "gold")["product"], feature(api, "export")
    made, ann = add_feature(api, product, export), customer(api)
    subscribe(api, ann, "gold")
    api.post(f"/v1/entitlements/features/{export}", {"active": "false"})
    assert active(api, ann) == ["export"]
    api.delete(f"/v1/products/{product}/features/{made['id']}")
    assert active(api, ann) == []


def test_the_summary_is_emitted_only_when_it_changes(api: Any, contract: ModuleType) -> None:
    add_feature(api, plan(api, "gold")["product"], feature(api, "export"))
    plan(api, "plain")
    ann = customer(api)
    subscribe(api, ann, "plain")
    first, second = subscribe(api, ann, "gold"), subscribe(api, ann, "gold")
    assert api.event_types(type=SUMMARY) == [SUMMARY]
    emitted = api.get("/v1/events", {"type": SUMMARY})["data"][0]["data"]
    assert contract.problems(emitted["object"]) == []
    assert emitted["object"]["customer"] == ann
    listed = api.get("/v1/entitlements/active_entitlements", {"customer": ann})
    assert emitted["object"]["entitlements"]["data"] == listed["data"]
    assert emitted["previous_attributes"] == {"entitlements": {"data": []}}
    api.delete(f"/v1/subscriptions/{first['id']}")
    assert api.event_types(type=SUMMARY) == [SUMMARY]
    api.delete(f"/v1/subscriptions/{second['id']}")
    last = api.get("/v1/events", {"type": SUMMARY})["data"][0]["data"]
    assert last["object"]["entitlements"]["data"] == []
    assert last["previous_attributes"] == {"entitlements": {"data": listed["data"]}}


def test_the_summary_is_emitted_when_a_trial_starts(api: Any) -> None:
    add_feature(api, plan(api, "gold")["product"], feature(api, "export"))
    ann = customer(api)
    subscribe(api, ann, "gold", trial_period_days="7")
    assert active(api, ann) == ["export"]
    assert api.event_types(type=SUMMARY) == [SUMMARY]
