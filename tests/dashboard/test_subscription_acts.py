"""A subscription is changed, ended, paused and resumed on screens that first show what it leads to."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from tests.dashboard.conftest import Person, text_of
from tests.support.world import World


@pytest.fixture
def plan(world: World) -> str:
    world.at("2026-01-01")
    return world.plan("Pro", usd=31)


@pytest.fixture
def running(world: World, plan: str) -> dict[str, Any]:
    """A subscription to two of a plan of 31.00 USD, half through January."""
    made = world.customer("dora").subscribes_to({"price": plan, "quantity": 2})
    world.at("2026-01-16")
    subscription: dict[str, Any] = world.get(f"/v1/subscriptions/{made.id}")
    return subscription


def item_of(subscription: dict[str, Any]) -> str:
    id: str = subscription["items"]["data"][0]["id"]
    return id


def previewed(person: Person, path: str, **form: str) -> tuple[str, dict[str, str]]:
    """Fill in a form: the text of the answer, and what the button would send."""
    answer = person.opens(path, show="1", **form)
    assert answer.status_code == 200, answer.text
    posted = answer.text.rpartition('method="post" action')[2]
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', posted.partition("</form>")[0])
    return text_of(answer.text.partition('<main id="main">')[2]), {
        name: unescape(value) for name, value in hidden
    }


def agreed(person: Person, path: str, **form: str) -> Any:
    said, hidden = previewed(person, path, **form)
    assert hidden, said
    return person.client.post(person.address(path), data=hidden)


def test_a_change_is_charged_as_it_was_shown(world: World, owner: Person, running: dict[str, Any]) -> None:
    path, item = f"/subscriptions/{running['id']}/change", item_of(running)
    form = {f"quantity-{item}": "5", "proration": "always_invoice", "reason": "Three more seats"}
    said, hidden = previewed(owner, path, **form)
    assert "Due now US$48.00" in said  # 3 × 31.00 for 16 of 31 days
    assert "Next invoice US$155.00" in said and "Change it: US$48.00 now" in said
    assert world.get(f"/v1/subscriptions/{running['id']}")["items"]["data"][0]["quantity"] == 2
    assert len(world.get("/v1/invoices")["data"]) == 1
    assert owner.client.post(owner.address(path), data=hidden).status_code == 303
    assert world.get(f"/v1/subscriptions/{running['id']}")["items"]["data"][0]["quantity"] == 5
    latest = world.get("/v1/invoices")["data"][0]
    assert (latest["amount_paid"], latest["status"]) == (4800, "paid")
    audit = owner.reads("/audit")
    assert "subscriptions.change" in audit and "Three more seats" in audit
    again = owner.client.post(owner.address(path), data=hidden)
    assert (
        again.status_code == 303 and len(world.get("/v1/invoices")["data"]) == 2
    )  # once, however often sent


def test_by_default_a_change_is_settled_with_the_next_invoice(
    world: World, owner: Person, running: dict[str, Any]
) -> None:
    path, item = f"/subscriptions/{running['id']}/change", item_of(running)
    said, _ = previewed(owner, path, **{f"quantity-{item}": "1"})
    assert "Nothing is charged now." in said
    assert "Next invoice US$15.00" in said  # 31.00 less 16 of 31 days of one
    assert agreed(owner, path, **{f"quantity-{item}": "1"}).status_code == 303
    world.at("2026-02-01 02:00")
    assert world.get("/v1/invoices")["data"][0]["total"] == 1500


def test_what_would_cost_something_else_by_now_is_asked_again(
    world: World, owner: Person, running: dict[str, Any]
) -> None:
    path, item = f"/subscriptions/{running['id']}/change", item_of(running)
    _, hidden = previewed(owner, path, **{f"quantity-{item}": "5", "proration": "always_invoice"})
    world.post(f"/v1/customers/{running['customer']}/balance_transactions", amount=-1000, currency="usd")
    answer = owner.client.post(owner.address(path), data=hidden)
    assert answer.status_code == 422 and "something else than what was shown" in answer.text
    assert "Due now US$38.00" in text_of(answer.text)
    assert world.get(f"/v1/subscriptions/{running['id']}")["items"]["data"][0]["quantity"] == 2
    wrong = {**hidden, "since": "1"}
    assert owner.client.post(owner.address(path), data=wrong).status_code == 422


def test_items_and_discounts_come_and_go(
    world: World, owner: Person, plan: str, running: dict[str, Any]
) -> None:
    path, item = f"/subscriptions/{running['id']}/change", item_of(running)
    other, coupon = world.plan("Team", usd=62), world.coupon(percent_off=50, duration="forever", id="HALF")
    assert (
        agreed(owner, path, **{"add-price-1": other, "add-quantity-1": "3", "code": coupon}).status_code
        == 303
    )
    changed = world.get(f"/v1/subscriptions/{running['id']}")
    assert sorted((one["price"]["id"], one["quantity"]) for one in changed["items"]["data"]) == sorted(
        [(plan, 2), (other, 3)]
    )
    [discount] = changed["discounts"]
    assert "50% off forever" in owner.reads(path)
    assert "50% off forever" in owner.reads(f"/subscriptions/{running['id']}")
    form = {f"remove-{item}": "1", f"drop-{discount}": "1", "proration": "none"}
    assert agreed(owner, path, **form).status_code == 303
    changed = world.get(f"/v1/subscriptions/{running['id']}")
    assert [one["price"]["id"] for one in changed["items"]["data"]] == [other]
    assert changed["discounts"] == []


def test_who_may_give_nothing_away_gives_a_promotion_code_but_no_coupon(
    world: World, hire: Any, running: dict[str, Any]
) -> None:
    path = f"/subscriptions/{running['id']}/change"
    coupon = world.coupon(percent_off=100, duration="forever", id="FREE")
    code = world.post(
        "/v1/promotion_codes",
        promotion={"type": "coupon", "coupon": coupon},
        code="WELCOME",
        max_redemptions=1,
    )["code"]
    support, finance = hire("support"), hire("finance")
    for act in (path, f"/customers/{running['customer']}/subscribe"):
        chosen = {"price-1": running["items"]["data"][0]["price"]["id"]} if act != path else {}
        refused = support.opens(act, show="1", code=coupon, **chosen).text
        assert "The coupon FREE would be given without a promotion code, which takes the right" in refused
        assert "takes the right" not in finance.opens(act, show="1", code=coupon, **chosen).text
        assert "takes the right" not in support.opens(act, show="1", code=code, **chosen).text


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({}, "Nothing is changed yet"),
        ({"code": "NONE"}, "There is no coupon and no promotion code NONE"),
        ({"anchor": "now", "proration": "sometimes"}, "There is no such choice"),
        ({"add-price-1": "price_none"}, "No such price"),
        ({"add-price-1": "PLAN", "add-quantity-1": "many"}, "The quantity is a whole number"),
    ],
)
def test_what_cannot_be_is_said_on_the_form(
    owner: Person, plan: str, running: dict[str, Any], form: dict[str, str], problem: str
) -> None:
    path = f"/subscriptions/{running['id']}/change"
    sent = {name: plan if text == "PLAN" else text for name, text in form.items()}
    answer = owner.opens(path, show="1", **sent)
    assert answer.status_code == 200 and problem in text_of(answer.text)
    assert 'name="mark"' not in answer.text


def test_a_change_whose_charge_fails_is_not_made(
    world: World, owner: Person, running: dict[str, Any]
) -> None:
    path, item = f"/subscriptions/{running['id']}/change", item_of(running)
    card = world.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", customer=running["customer"])
    world.post(
        f"/v1/customers/{running['customer']}", invoice_settings={"default_payment_method": card["id"]}
    )
    answer = agreed(owner, path, **{f"quantity-{item}": "5", "proration": "always_invoice"})
    assert answer.status_code == 422 and "declined" in answer.text
    assert world.get(f"/v1/subscriptions/{running['id']}")["items"]["data"][0]["quantity"] == 2


def test_it_ends_now_and_unused_time_is_credited(
    world: World, owner: Person, running: dict[str, Any]
) -> None:
    path = f"/subscriptions/{running['id']}/cancel"
    form = {"when": "now", "unused": "credit", "bill": "1", "feedback": "unused", "reason": "Closed down"}
    said, _ = previewed(owner, path, **form)
    assert "Total \N{MINUS SIGN}US$32.00" in said and "There is no further invoice" in said
    assert agreed(owner, path, **form).status_code == 303
    ended = world.get(f"/v1/subscriptions/{running['id']}")
    assert (ended["status"], ended["cancellation_details"]["comment"]) == ("canceled", "Closed down")
    assert ended["cancellation_details"]["feedback"] == "unused"
    world.at("2026-01-17")
    assert world.get(f"/v1/customers/{running['customer']}")["balance"] == -3200
    assert owner.opens(path).status_code == 400  # it has ended


def test_it_ends_with_its_period_unless_it_is_kept(
    world: World, owner: Person, running: dict[str, Any]
) -> None:
    path = f"/subscriptions/{running['id']}/cancel"
    said, _ = previewed(owner, path, when="period_end")
    assert "Nothing is charged now." in said and "It ends on 1 Feb 2026" in said
    assert agreed(owner, path, when="period_end").status_code == 303
    assert world.get(f"/v1/subscriptions/{running['id']}")["cancel_at_period_end"]
    page = owner.opens(f"/subscriptions/{running['id']}").text
    assert f"/subscriptions/{running['id']}/keep" in page
    said, _ = previewed(owner, f"/subscriptions/{running['id']}/keep")
    assert "Next invoice US$62.00" in said
    assert agreed(owner, f"/subscriptions/{running['id']}/keep").status_code == 303
    assert world.get(f"/v1/subscriptions/{running['id']}")["cancel_at"] is None
    assert agreed(owner, path, when="date", date="2026-03-01").status_code == 303
    assert world.get(f"/v1/subscriptions/{running['id']}")["cancel_at"] is not None
    assert agreed(owner, f"/subscriptions/{running['id']}/keep").status_code == 303
    assert world.get(f"/v1/subscriptions/{running['id']}")["cancel_at"] is None
    assert "Choose a day" in owner.reads(path, show="1", when="date", date="soon")


def test_invoices_are_kept_as_drafts_until_a_day(
    world: World, owner: Person, running: dict[str, Any]
) -> None:
    path = f"/subscriptions/{running['id']}/pause"
    assert agreed(owner, path, how="keep_as_draft", until="2026-04-01").status_code == 303
    page = owner.reads(f"/subscriptions/{running['id']}")
    assert "Its invoices are kept as drafts until 1 Apr 2026" in page
    assert agreed(owner, f"/subscriptions/{running['id']}/resume").status_code == 303
    assert world.get(f"/v1/subscriptions/{running['id']}")["pause_collection"] is None


def test_it_stops_and_goes_on(world: World, owner: Person, running: dict[str, Any]) -> None:
    path = f"/subscriptions/{running['id']}/pause"
    said, _ = previewed(owner, path, how="subscription", unused="credit")
    assert "There is no further invoice" in said
    assert agreed(owner, path, how="subscription", unused="credit").status_code == 303
    assert world.get(f"/v1/subscriptions/{running['id']}")["status"] == "paused"
    said, _ = previewed(owner, f"/subscriptions/{running['id']}/resume", period="now")
    assert "Due now US$30.00" in said  # 62.00 less the credit of 32.00
    assert agreed(owner, f"/subscriptions/{running['id']}/resume", period="now").status_code == 303
    assert world.get(f"/v1/subscriptions/{running['id']}")["status"] == "active"


def test_a_subscription_is_started_as_it_was_shown(world: World, owner: Person, plan: str) -> None:
    emma, coupon = world.customer("emma"), world.coupon(percent_off=50, duration="once", id="HALF")
    path = f"/customers/{emma.id}/subscribe"
    assert path in owner.opens(f"/customers/{emma.id}").text
    form = {"price-1": plan, "quantity-1": "2", "code": coupon, "reason": "By telephone"}
    said, hidden = previewed(owner, path, **form)
    assert "Due now US$31.00" in said and "Next invoice US$62.00" in said and "Start it: US$31.00 now" in said
    assert world.get("/v1/subscriptions", customer=emma.id)["data"] == []
    for _ in range(2):
        assert owner.client.post(owner.address(path), data=hidden).status_code == 303
    [subscription] = world.get("/v1/subscriptions", customer=emma.id)["data"]
    [invoice] = world.get("/v1/invoices", customer=emma.id)["data"]
    assert (subscription["status"], invoice["amount_paid"]) == ("active", 3100)
    assert "By telephone" in owner.reads("/audit")


def test_a_trial_and_a_mailed_invoice(world: World, owner: Person, plan: str) -> None:
    emma = world.customer("emma", card=None)
    path = f"/customers/{emma.id}/subscribe"
    assert "Choose a price" in owner.reads(path, show="1")
    wrong = owner.reads(path, show="1", **{"price-1": plan, "collection": "send_invoice"})
    assert "Days to pay is a whole number" in wrong
    said, _ = previewed(owner, path, **{"price-1": plan, "trial": "14"})
    assert "Due now US$0.00" in said and "Next invoice US$31.00" in said
    form = {"price-1": plan, "collection": "send_invoice", "days": "14"}
    assert agreed(owner, path, **form).status_code == 303
    [subscription] = world.get("/v1/subscriptions", customer=emma.id)["data"]
    assert (subscription["collection_method"], subscription["days_until_due"]) == ("send_invoice", 14)
    refused = agreed(owner, path, **{"price-1": plan})
    assert refused.status_code == 422 and "no attached payment source" in refused.text


def test_who_only_looks_sees_no_buttons(running: dict[str, Any], hire: Callable[..., Person]) -> None:
    auditor = hire("auditor")
    page = auditor.opens(f"/subscriptions/{running['id']}").text
    assert "/change" not in page and "/cancel" not in page
    assert auditor.opens(f"/subscriptions/{running['id']}/change").status_code == 403


def test_a_developer_changes_in_test_mode_only(running: dict[str, Any], hire: Callable[..., Person]) -> None:
    developer = hire("developer")
    path = f"/subscriptions/{running['id']}/change"
    assert developer.opens(path).status_code == 200
    developer.mode = "live"
    assert developer.opens(path).status_code == 403


CREDITED = {"when": "now", "unused": "credit", "bill": "1"}


@pytest.mark.parametrize(
    ("act", "form", "problem"),
    [
        ("cancel", CREDITED, "US$32.00 would be given back"),
        ("cancel", {**CREDITED, "bill": ""}, "US$32.00 would be given back"),
        ("change", {"quantity": "1", "proration": "always_invoice"}, "US$16.00 would be given back"),
        ("pause", {"how": "void"}, "Invoices would be let go"),
        ("pause", {"how": "mark_uncollectible"}, "Invoices would be let go"),
        ("pause", {"how": "subscription", "unused": "credit"}, "US$32.00 would be given back"),
    ],
)
def test_what_gives_back_takes_the_right_to_credit(
    world: World,
    owner: Person,
    running: dict[str, Any],
    hire: Callable[..., Person],
    act: str,
    form: dict[str, str],
    problem: str,
) -> None:
    path, support = f"/subscriptions/{running['id']}/{act}", hire("support")
    wanted = {(f"quantity-{item_of(running)}" if name == "quantity" else name): form[name] for name in form}
    said = support.reads(path, show="1", **wanted)
    assert f"{problem}, which takes the right credits.write. It is for: owner, admin, finance." in said
    _, hidden = previewed(owner, path, **wanted)
    sent = {**hidden, **support.hidden(path)}  # past the screen, with the mark that an owner was shown
    answer = support.client.post(support.address(path), data=sent)
    assert answer.status_code == 422 and "takes the right credits.write" in answer.text
    after = world.get(f"/v1/subscriptions/{running['id']}")
    assert (after["status"], after["pause_collection"]) == ("active", None)
    assert after["items"]["data"][0]["quantity"] == 2 and len(world.get("/v1/invoices")["data"]) == 1


def test_what_lowers_the_next_invoice_is_no_credit(
    world: World, running: dict[str, Any], hire: Callable[..., Person]
) -> None:
    path, support = f"/subscriptions/{running['id']}", hire("support")
    assert agreed(support, f"{path}/change", **{f"quantity-{item_of(running)}": "1"}).status_code == 303
    said = support.reads(f"{path}/cancel", show="1", when="period_end")
    assert "US$16.00 would be given back" in said  # by now there is no invoice that it would lower
    assert agreed(support, f"{path}/cancel", when="now", unused="none").status_code == 303


def test_a_credit_that_was_there_before_is_not_counted(
    world: World, running: dict[str, Any], hire: Callable[..., Person]
) -> None:
    world.post(
        "/v1/invoiceitems",
        customer=running["customer"],
        subscription=running["id"],
        amount=-50000,
        currency="usd",
    )
    path, support = f"/subscriptions/{running['id']}/change", hire("support")
    assert agreed(support, path, **{f"quantity-{item_of(running)}": "3"}).status_code == 303


def test_above_the_limit_it_is_a_credit_note_that_somebody_else_agrees_to(
    world: World, owner: Person, running: dict[str, Any], hire: Callable[..., Person]
) -> None:
    finance, path = hire("finance"), f"/subscriptions/{running['id']}"
    owner.sends("/approvals", act="limit", limit="31.99")
    said = finance.reads(f"{path}/cancel", show="1", **CREDITED)
    assert "US$32.00 would be given back, which is above the limit for one person" in said
    assert "make a credit note, which somebody else agrees to" in said
    said = finance.reads(f"{path}/pause", show="1", how="void")
    assert "Keep them as drafts" in said
    one = {f"quantity-{item_of(running)}": "1", "proration": "always_invoice"}
    assert agreed(finance, f"{path}/change", **one).status_code == 303  # 16.00
    owner.sends("/approvals", act="limit", limit="31")
    said = finance.reads(f"{path}/cancel", show="1", **CREDITED)
    assert "US$16.00 would be given back, which is above" in said  # with the 16.00 before
