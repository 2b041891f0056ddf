"""Does a checkout take what it may, once, and nothing after it has ended?"""

from typing import Any

import pytest

from billow.core.payments import CANCELED, Succeeded
from billow.store import jobs
from tests.support.page_visits import PAYER, Visitor
from tests.support.world import World, flat

OK = "https://shop.example/ok"
THREE_D_SECURE, FAILS = "4000002760003184", "4000000000000341"


@pytest.fixture
def visitor(app: Any) -> Visitor:
    return Visitor(app)


def session(world: World, mode: str, **more: Any) -> dict[str, Any]:
    price = world.plan("Pro", usd=20) if mode == "subscription" else world.once("Book", usd=20)
    lines = [{"price": price, "quantity": 1}]
    sent = {"mode": mode, "success_url": OK, "line_items": lines, **more}
    return world.post("/v1/checkout/sessions", **sent)


def ask(world: World, path: str, **form: Any) -> Any:
    return world.api.post(path, flat(form))


def read(world: World, made: dict[str, Any]) -> dict[str, Any]:
    return world.get(f"/v1/checkout/sessions/{made['id']}")


def charged(world: World) -> list[int]:
    return [one["amount"] for one in world.get("/v1/charges", limit=100)["data"] if one["paid"]]


def code(world: World, **terms: Any) -> dict[str, Any]:
    coupon = world.coupon(percent_off=10, duration="once")
    return world.post("/v1/promotion_codes", promotion={"type": "coupon", "coupon": coupon}, **terms)


# ------------------------------------------------------------------------------------- promotion codes


def test_the_first_payment_of_a_customer_redeems_a_code_for_first_payments(
    world: World, visitor: Visitor
) -> None:
    used = code(world, restrictions={"first_time_transaction": True})
    made = session(world, "payment", customer_creation="always", discounts=[{"promotion_code": used["id"]}])
    visitor.opens(made["url"]).sends(**PAYER)
    assert (read(world, made)["status"], charged(world)) == ("complete", [1800])
    assert world.get(f"/v1/promotion_codes/{used['id']}")["times_redeemed"] == 1


@pytest.mark.parametrize("mode", ["payment", "subscription"])
def test_a_code_that_is_used_up_meanwhile_refuses_before_the_card_is_charged(
    world: World, visitor: Visitor, mode: str
) -> None:
    used = code(world, max_redemptions=1)
    first, second = (session(world, mode, discounts=[{"promotion_code": used["id"]}]) for _ in range(2))
    visitor.opens(first["url"]).sends(**PAYER)
    visitor.opens(second["url"]).sends(**PAYER)
    assert visitor.status == 422 and "being processed" not in visitor.words()
    assert (read(world, first)["status"], read(world, second)["status"]) == ("complete", "open")
    assert charged(world) == [1800]
    assert read(world, second)["payment_status"] == "unpaid"


def test_a_decline_gives_the_code_back(world: World, visitor: Visitor) -> None:
    used = code(world, max_redemptions=1)
    made = session(world, "payment", discounts=[{"promotion_code": used["id"]}])
    visitor.opens(made["url"]).sends(**{**PAYER, "number": FAILS})
    assert visitor.status == 422
    now = world.get(f"/v1/promotion_codes/{used['id']}")
    assert (now["times_redeemed"], now["active"]) == (0, True)
    visitor.sends(**PAYER)
    now = world.get(f"/v1/promotion_codes/{used['id']}")
    assert (read(world, made)["status"], now["times_redeemed"], now["active"]) == ("complete", 1, False)


# ------------------------------------------------------------------------------------- once


def test_a_session_whose_payment_was_confirmed_by_a_request_is_complete_and_not_charged_again(
    world: World, visitor: Visitor
) -> None:
    made = session(world, "payment")
    visitor.opens(made["url"]).sends(**{**PAYER, "number": FAILS})
    intent = read(world, made)["payment_intent"]
    assert world.post(f"/v1/payment_intents/{intent}/confirm", payment_method="pm_card_visa")["status"] == (
        "succeeded"
    )
    visitor.opens(made["url"]).sends(**PAYER)
    assert (read(world, made)["status"], charged(world)) == ("complete", [2000])


@pytest.mark.parametrize("mode", ["payment", "subscription"])
def test_what_a_customer_was_asked_to_confirm_ends_with_the_session(
    world: World, visitor: Visitor, app: Any, mode: str
) -> None:
    made = session(world, mode)
    visitor.opens(made["url"]).sends(**{**PAYER, "number": THREE_D_SECURE})
    assert ask(world, f"/v1/checkout/sessions/{made['id']}", metadata={"a": "1"}).status == 200
    lines = [{"id": "li_1", "quantity": 3}]
    assert ask(world, f"/v1/checkout/sessions/{made['id']}", line_items=lines).status == 400
    gateway = app.db.outside.gateways["test"]
    with app.db.transaction(world.api.tenant, reads=True) as tx:
        [attempt] = tx.all("select id from attempts where state = 'requires_action'")
    assert world.post(f"/v1/checkout/sessions/{made['id']}/expire")["status"] == "expired"
    assert gateway.authenticate(attempt["id"]) == CANCELED and charged(world) == []
    assert world.get("/v1/subscriptions", status="all")["data"] == []
    found = world.get("/v1/payment_intents")["data"]
    assert {one["status"] for one in found} == {"canceled"}
    jobs.run_due(app.db, clock="wall", until=app.db.wall(), lane="outside")


def test_a_payment_that_was_confirmed_meanwhile_completes_the_session(
    world: World, visitor: Visitor, app: Any
) -> None:
    made = session(world, "subscription")
    visitor.opens(made["url"]).sends(**{**PAYER, "number": THREE_D_SECURE})
    gateway = app.db.outside.gateways["test"]
    with app.db.transaction(world.api.tenant, reads=True) as tx:
        [attempt] = tx.all("select id from attempts where state = 'requires_action'")
    assert isinstance(gateway.authenticate(attempt["id"]), Succeeded)
    assert ask(world, f"/v1/checkout/sessions/{made['id']}/expire").status == 400
    assert (read(world, made)["status"], charged(world)) == ("complete", [2000])
    assert world.get(f"/v1/subscriptions/{read(world, made)['subscription']}")["status"] == "active"


# ------------------------------------------------------------------------------------- limits


def test_no_more_and_no_less_is_taken_than_a_card_may_be_charged(world: World, visitor: Visitor) -> None:
    price = world.once("Gold", usd=999_999)
    many = {"mode": "payment", "success_url": OK, "line_items": [{"price": price, "quantity": 2}]}
    refused = ask(world, "/v1/checkout/sessions", **many)
    assert refused["error"]["code"] == "amount_too_large"
    coupon = world.coupon(amount_off=1980, currency="usd", duration="once")
    refused = ask(
        world,
        "/v1/checkout/sessions",
        mode="payment",
        success_url=OK,
        line_items=[{"price": world.once("Book", usd=20), "quantity": 1}],
        discounts=[{"coupon": coupon}],
    )
    assert refused["error"]["code"] == "amount_too_small"
    adjusted = session(
        world,
        "payment",
        line_items=[{"price": price, "quantity": 1, "adjustable_quantity": {"enabled": True, "maximum": 9}}],
    )
    [line] = world.get(f"/v1/checkout/sessions/{adjusted['id']}/line_items")["data"]
    visitor.opens(adjusted["url"]).sends(**PAYER, **{f"quantity-{line['id']}": "2"})
    visitor.sends(**PAYER, **{f"quantity-{line['id']}": "2"})
    assert visitor.status == 422 and charged(world) == []


def test_a_session_that_was_declined_too_often_takes_no_card_sent_to_it(
    world: World, visitor: Visitor
) -> None:
    made = session(world, "payment")
    visitor.opens(made["url"])
    page = visitor.text
    for _ in range(10):
        visitor.text = page
        visitor.sends(**{**PAYER, "number": FAILS})
    visitor.text = page
    visitor.sends(**PAYER)
    assert (read(world, made)["status"], charged(world)) == ("open", [])


def test_a_link_sells_no_more_than_its_limit_also_in_sessions_that_are_open(world: World, app: Any) -> None:
    link = world.post(
        "/v1/payment_links",
        line_items=[{"price": world.once("Book", usd=20), "quantity": 1}],
        restrictions={"completed_sessions": {"limit": 1}},
    )
    first, second = (Visitor(app).opens(link["url"]) for _ in range(2))
    first.sends(**PAYER)
    second.sends(**PAYER)
    assert second.status == 422 and charged(world) == [2000]


def test_an_expired_session_is_begun_again_once(world: World, visitor: Visitor) -> None:
    made = session(world, "payment", after_expiration={"recovery": {"enabled": True}})
    expired = world.post(f"/v1/checkout/sessions/{made['id']}/expire")
    url = expired["after_expiration"]["recovery"]["url"]
    addresses = {visitor.opens(url).address for _ in range(3)}
    assert len(addresses) == 1


def test_strange_names_and_values_of_a_visit_are_no_errors(world: World, visitor: Visitor) -> None:
    link = world.post("/v1/payment_links", line_items=[{"price": world.once("Book", usd=20), "quantity": 1}])
    assert visitor.opens(f"{link['url']}?client_reference_id=a%00b").status == 200
    visitor.sends(**PAYER, **{"optional-" + "9" * 5000: "yes"})
    assert charged(world) == [2000]


def test_an_intent_that_is_canceled_while_the_bank_asks_leaves_the_session_open(
    world: World, visitor: Visitor
) -> None:
    made = session(world, "subscription")
    visitor.opens(made["url"]).sends(**{**PAYER, "number": THREE_D_SECURE})
    [intent] = world.get("/v1/payment_intents")["data"]
    world.post(f"/v1/payment_intents/{intent['id']}/cancel")
    visitor.opens(made["url"])
    assert (visitor.status, read(world, made)["status"]) == (422, "open")
    visitor.sends(**PAYER)
    assert (read(world, made)["status"], charged(world)) == ("complete", [2000])


def test_a_coupon_of_an_open_session_is_deleted_and_refuses_the_payment(
    world: World, visitor: Visitor
) -> None:
    coupon = world.coupon(percent_off=10, duration="once")
    made = session(world, "payment", discounts=[{"coupon": coupon}])
    assert world.delete(f"/v1/coupons/{coupon}")["deleted"] is True
    visitor.opens(made["url"]).sends(**PAYER)
    assert visitor.status == 422 and charged(world) == []
