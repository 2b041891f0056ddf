"""Do lists page in both directions, filter, and refuse invalid cursors and limits?"""

from typing import Any

import pytest


@pytest.fixture
def names(api: Any) -> list[str]:
    """The ids of seven customers, the newest first."""
    return [api.post("/v1/customers", {"name": str(number)})["id"] for number in range(7)][::-1]


def ids(page: dict[str, Any]) -> list[str]:
    return [row["id"] for row in page["data"]]


def test_a_list_is_newest_first_and_says_whether_more_follows(api: Any, names: list[str]) -> None:
    page = api.get("/v1/customers", {"limit": 3})
    assert (page["object"], page["url"], page["has_more"]) == ("list", "/v1/customers", True)
    assert set(page) == {"object", "url", "has_more", "data"}
    assert ids(page) == names[:3]
    rest = api.get("/v1/customers", {"limit": 10, "starting_after": names[2]})
    assert (ids(rest), rest["has_more"]) == (names[3:], False)


def test_pages_go_backwards_too(api: Any, names: list[str]) -> None:
    page = api.get("/v1/customers", {"limit": 2, "ending_before": names[5]})
    assert (ids(page), page["has_more"]) == (names[3:5], True)
    first = api.get("/v1/customers", {"limit": 5, "ending_before": names[3]})
    assert (ids(first), first["has_more"]) == (names[:3], False)
    assert ids(api.get("/v1/customers", {"ending_before": names[0]})) == []


def test_the_client_pages_through_everything(sdk: Any) -> None:
    made = [sdk.v1.customers.create({"name": str(number)}).id for number in range(5)]
    listed = [row.id for row in sdk.v1.customers.list({"limit": 2}).auto_paging_iter()]
    assert listed == made[::-1]


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ({"limit": "0"}, "limit", "parameter_invalid_integer"),
        ({"limit": "101"}, "limit", "parameter_invalid_integer"),
        ({"limit": "x"}, "limit", "parameter_invalid_integer"),
        ({"starting_after": "cus_none"}, "starting_after", "resource_missing"),
        ({"starting_after[a]": "b"}, "starting_after", None),
        ({"starting_after": "cus_1", "ending_before": "cus_2"}, "ending_before", "parameters_exclusive"),
        ({"created[ge]": "1"}, "created[ge]", "parameter_unknown"),
        ({"created[gt]": "x"}, "created[gt]", None),
        ({"nope": "1"}, "nope", "parameter_unknown"),
        ({"test_clock": "clock_none"}, "test_clock", "resource_missing"),
    ],
)
def test_what_is_no_page_is_refused(api: Any, query: dict[str, str], param: str, code: str | None) -> None:
    answer = api.get("/v1/customers", query)
    assert answer.status == 400
    assert (answer["error"]["param"], answer["error"].get("code")) == (param, code)


def test_an_unknown_reference_in_a_filter_is_refused(api: Any) -> None:
    answer = api.get("/v1/prices", {"product": "prod_none"})
    assert (answer.status, answer["error"]["code"]) == (400, "resource_missing")
    assert answer["error"]["message"] == "No such product: 'prod_none'"


def test_ranges_count_whole_seconds(api: Any, names: list[str]) -> None:
    created = api.get(f"/v1/customers/{names[0]}")["created"]
    for sign, finds in [("gte", True), ("lte", True), ("gt", False), ("lt", False)]:
        found = ids(api.get("/v1/customers", {f"created[{sign}]": str(created)}))
        assert (names[0] in found) is finds, sign
    assert names[0] in ids(api.get("/v1/customers", {"created": str(created)}))
    assert ids(api.get("/v1/customers", {"created": str(created + 5)})) == []


def test_filters_narrow_and_join(api: Any) -> None:
    api.post("/v1/products", {"name": "A", "active": "false"})
    made = api.post("/v1/products", {"name": "B", "url": "https://b"})
    assert ids(api.get("/v1/products", {"active": "true"})) == [made["id"]]
    assert ids(api.get("/v1/products", {"active": "false", "url": "https://b"})) == []
    assert ids(api.get("/v1/products", {"ids[]": made["id"]})) == [made["id"]]
    assert len(ids(api.get("/v1/products"))) == 2
