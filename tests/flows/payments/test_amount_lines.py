"""Are the lines of a payment's amount kept, shown and listed as the library knows them?"""

from typing import Any

import pytest

PATH = "/v1/payment_intents"
AMOUNT = {"amount": "2000", "currency": "usd"}


def line(number: int, **more: str) -> dict[str, str]:
    at = f"amount_details[line_items][{number}]"
    said = {"product_name": f"Book {number}", "quantity": "1", "unit_cost": "100", **more}
    return {f"{at}[{name.replace('.', '][')}]": value for name, value in said.items()}


def test_lines_are_shown_with_the_amount_and_listed_in_pages(api: Any, contract: Any) -> None:
    options = {"payment_method_options.paypal.category": "donation", "unit_cost": "1788"}
    said = {"amount_details[tax][total_tax_amount]": "7", "amount_details[shipping][amount]": "5"}
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
    made = api.post(PATH, {**AMOUNT, **line(0, unit_cost="2000")})
    refused = api.get(f"{PATH}/{made['id']}/amount_details_line_items", {"starting_after": "uli_none"})
    assert (refused.status, refused["error"]["code"]) == (400, "resource_missing")


def test_an_intent_without_lines_has_an_empty_list_and_lines_are_replaced(api: Any) -> None:
    made = api.post(PATH, AMOUNT)
    path = f"{PATH}/{made['id']}"
    assert api.get(f"{path}/amount_details_line_items")["data"] == []
    api.post(path, {**line(0, unit_cost="1900"), **line(1)})
    api.post(path, line(0, product_name="Map", unit_cost="2000"))
    found = api.get(f"{path}/amount_details_line_items")["data"]
    assert [one["product_name"] for one in found] == ["Map"]


AT = "amount_details"
OFF = {f"{AT}[enforce_arithmetic_validation]": "false"}
MISMATCH = f"{AT}_amount_mismatch"
TOO_MUCH = f"{AT}_tax_shipping_discount_greater_than_amount"
WRONG = [
    ({**line(0)}, MISMATCH),
    ({**line(0, unit_cost="2000"), f"{AT}[shipping][amount]": "1"}, MISMATCH),
    ({f"{AT}[tax][total_tax_amount]": "1990", f"{AT}[shipping][amount]": "11"}, TOO_MUCH),
]


@pytest.mark.parametrize(("said", "code"), WRONG)
def test_parts_that_do_not_add_up_are_refused_unless_that_is_wanted(api: Any, said: Any, code: str) -> None:
    refused = api.post(PATH, {**AMOUNT, **said})
    assert (refused.status, refused["error"]["code"], refused["error"]["param"]) == (400, code, AT)
    strict = api.post(PATH, {**AMOUNT, **said, f"{AT}[enforce_arithmetic_validation]": "true"})
    assert strict["error"]["code"] == code
    made = api.post(PATH, {**AMOUNT, **said, **OFF})
    assert made["amount_details"]["error"]["code"] == code and made["amount_details"]["error"]["message"]
    assert "enforce_arithmetic_validation" not in made["amount_details"]
    fixed = api.post(f"{PATH}/{made['id']}", line(0, unit_cost="2000"))
    assert "error" not in fixed["amount_details"]


def test_parts_that_add_up_are_kept(api: Any) -> None:
    said = {
        **line(0, unit_cost="400", quantity="2", discount_amount="20", **{"tax.total_tax_amount": "80"}),
        **line(1, unit_cost="1040"),
        f"{AT}[shipping][amount]": "100",
    }
    made = api.post(PATH, {**AMOUNT, **said})
    assert made.status == 200 and "error" not in made["amount_details"]
    refused = api.post(f"{PATH}/{made['id']}", {"amount": "2100", **said})
    assert refused["error"]["code"] == MISMATCH
    less = api.post(PATH, {**AMOUNT, f"{AT}[discount_amount]": "300", f"{AT}[tax][total_tax_amount]": "2300"})
    assert less.status == 200, "what is taken off is not asked for"


@pytest.mark.parametrize("name", ["discount_amount", "tax.total_tax_amount"])
def test_a_part_is_said_of_the_whole_or_of_its_lines(api: Any, name: str) -> None:
    whole = f"{AT}[{name.replace('.', '][')}]"
    refused = api.post(PATH, {**AMOUNT, **line(0, unit_cost="2000", **{name: "5"}), whole: "5", **OFF})
    assert (refused.status, refused["error"]["param"]) == (400, whole)


def test_what_is_captured_has_parts_of_its_own(api: Any) -> None:
    held = {**AMOUNT, "capture_method": "manual", "confirm": "true", "payment_method": "pm_card_visa"}
    how = {
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
    }
    made = api.post(PATH, {**held, **how})
    path = f"{PATH}/{made['id']}/capture"
    part = {"amount_to_capture": "1500", **line(0, unit_cost="2000")}
    assert api.post(path, part)["error"]["code"] == MISMATCH
    done = api.post(path, {"amount_to_capture": "1500", **line(0, unit_cost="1500")})
    assert (done["status"], done["amount_received"]) == ("succeeded", 1500)
