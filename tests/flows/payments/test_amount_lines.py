"""Are the lines of a payment's amount kept, shown and listed as the library knows them?"""

from typing import Any

PATH = "/v1/payment_intents"
AMOUNT = {"amount": "2000", "currency": "usd"}


def line(number: int, **more: str) -> dict[str, str]:
    at = f"amount_details[line_items][{number}]"
    said = {"product_name": f"Book {number}", "quantity": "1", "unit_cost": "100", **more}
    return {f"{at}[{name.replace('.', '][')}]": value for name, value in said.items()}


def test_lines_are_shown_with_the_amount_and_listed_in_pages(api: Any, contract: Any) -> None:
    options = {"payment_method_options.paypal.category": "donation", "tax.total_tax_amount": "7"}
    details = {"amount_details[tax][total_tax_amount]": "7", "amount_details[shipping][amount]": "5"}
    said = {**details, "amount_details[enforce_arithmetic_validation]": "false"}
    made = api.post(PATH, {**AMOUNT, **said, **line(0, **options), **line(1), **line(2)})
    assert contract.problems(dict(made)) == []
    assert made["amount_details"]["tax"] == {"total_tax_amount": 7}
    listed = made["amount_details"]["line_items"]
    path = f"{PATH}/{made['id']}/amount_details_line_items"
    assert (listed["object"], listed["url"], listed["has_more"]) == ("list", path, False)
    ids = [one["id"] for one in listed["data"]]
    first = api.get(path, {"limit": "2"})
    assert contract.problems(dict(first)) == []
    assert ([one["id"] for one in first["data"]], first["has_more"]) == (ids[:2], True)
    rest = api.get(path, {"starting_after": ids[1]})
    assert ([one["product_name"] for one in rest["data"]], rest["has_more"]) == (["Book 2"], False)
    before = api.get(path, {"ending_before": ids[2], "limit": "1"})
    assert ([one["id"] for one in before["data"]], before["has_more"]) == (ids[1:2], True)


def test_a_page_after_a_line_that_is_not_there_is_refused(api: Any) -> None:
    made = api.post(PATH, {**AMOUNT, **line(0)})
    refused = api.get(f"{PATH}/{made['id']}/amount_details_line_items", {"starting_after": "uli_none"})
    assert (refused.status, refused["error"]["code"]) == (400, "resource_missing")


def test_an_intent_without_lines_has_an_empty_list_and_lines_are_replaced(api: Any) -> None:
    made = api.post(PATH, AMOUNT)
    path = f"{PATH}/{made['id']}"
    assert api.get(f"{path}/amount_details_line_items")["data"] == []
    api.post(path, {**line(0), **line(1)})
    api.post(path, line(0, product_name="Map"))
    found = api.get(f"{path}/amount_details_line_items")["data"]
    assert [one["product_name"] for one in found] == ["Map"]
