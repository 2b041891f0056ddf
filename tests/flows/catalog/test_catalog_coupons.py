"""Which coupons and promotion codes are accepted, and when do they expire?"""

import threading
from datetime import timedelta
from typing import Any

import pytest

from billow.api import rows
from billow.resources.coupon import Coupon, is_valid
from billow.resources.promotion_code import PromotionCode
from billow.store import jobs

TEN = {"percent_off": "10"}
FIVE = {"amount_off": "500", "currency": "usd"}
DAY = 86400


def now_of(api: Any) -> int:
    return int(api.app.db.wall().timestamp())


def redeemed(api: Any, coupon: str, times: int) -> None:
    """Count redemptions of a coupon, as discounts do."""
    with api.app.db.transaction(api.tenant) as tx:
        rows.update(tx, rows.lock(tx, Coupon, coupon), times_redeemed=times)


def code_for(api: Any, coupon: str, **more: str) -> Any:
    sent = {"promotion[type]": "coupon", "promotion[coupon]": coupon}
    return api.post("/v1/promotion_codes", {**sent, **more})


# ------------------------------------------------------------------------------------- coupons


@pytest.mark.parametrize(
    ("sent", "param", "code"),
    [
        ({}, "percent_off", "parameter_missing"),
        ({**TEN, **FIVE}, "percent_off", "parameters_exclusive"),
        ({"percent_off": "0"}, "percent_off", None),
        ({"percent_off": "100.01"}, "percent_off", None),
        ({"percent_off": "33.333"}, "percent_off", None),
        ({"amount_off": "0", "currency": "usd"}, "amount_off", None),
        ({"amount_off": "5"}, "currency", "parameter_missing"),
        ({**TEN, "currency": "usd"}, "currency", None),
        ({**TEN, "currency_options[eur][amount_off]": "5"}, "currency_options", None),
        ({**FIVE, "currency_options[usd][amount_off]": "5"}, "currency_options[usd]", None),
        ({**FIVE, "currency_options[zzz][amount_off]": "5"}, "currency_options[zzz]", None),
        ({**FIVE, "currency_options[eur][amount_off]": "0"}, "currency_options[eur][amount_off]", None),
        ({**TEN, "duration": "twice"}, "duration", None),
        ({**TEN, "duration": "repeating"}, "duration_in_months", "parameter_missing"),
        ({**TEN, "duration_in_months": "3"}, "duration_in_months", None),
        ({**TEN, "duration": "repeating", "duration_in_months": "0"}, "duration_in_months", None),
        ({**TEN, "max_redemptions": "0"}, "max_redemptions", None),
        ({**TEN, "redeem_by": "1000"}, "redeem_by", None),
        ({**TEN, "redeem_by": "9999999999"}, "redeem_by", None),
        ({**TEN, "name": "x" * 41}, "name", None),
        ({**TEN, "id": "a b"}, "id", None),
        ({**TEN, "applies_to[products][]": "prod_none"}, "applies_to[products][0]", "resource_missing"),
        ({**TEN, "times_redeemed": "1"}, "times_redeemed", "parameter_unknown"),
    ],
)
def test_an_invalid_coupon_is_refused(api: Any, sent: dict[str, str], param: str, code: str | None) -> None:
    answer = api.post("/v1/coupons", sent)
    assert (answer.status, answer["error"]["param"], answer["error"].get("code")) == (400, param, code)


def test_a_coupon_is_shown_as_it_was_made(api: Any) -> None:
    made = api.post("/v1/coupons", {"percent_off": "33.30"})
    assert (made["percent_off"], made["duration"], made["valid"], made["times_redeemed"]) == (
        33.3,
        "once",
        True,
        0,
    )
    assert len(made["id"]) == 8 and made["amount_off"] is None and made["currency"] is None
    whole = api.post("/v1/coupons", {"percent_off": "100", "duration": "forever", "name": "Free"})
    assert whole["percent_off"] == 100 and isinstance(whole["percent_off"], float)
    three = {"duration": "repeating", "duration_in_months": "3", "metadata[a]": "1", "max_redemptions": "5"}
    months = api.post("/v1/coupons", {**FIVE, "currency": "USD", **three})
    assert (months["amount_off"], months["currency"], months["duration_in_months"]) == (500, "usd", 3)
    assert (months["metadata"], months["max_redemptions"]) == ({"a": "1"}, 5)


def test_the_id_of_a_coupon_can_be_chosen_once_per_account(api: Any, other: Any) -> None:
    assert api.post("/v1/coupons", {**TEN, "id": "25OFF"})["id"] == "25OFF"
    taken = api.post("/v1/coupons", {**TEN, "id": "25OFF"})
    assert (taken.status, taken["error"]["code"]) == (400, "resource_already_exists")
    assert other.get("/v1/coupons/25OFF").status == 404
    assert other.post("/v1/coupons", {**FIVE, "id": "25OFF"}).status == 200
    assert api.get("/v1/coupons/25OFF")["percent_off"] == 10


def test_the_amount_of_a_coupon_never_changes_but_currencies_are_added(api: Any) -> None:
    path = f"/v1/coupons/{api.post('/v1/coupons', FIVE)['id']}"
    for name in ("percent_off", "amount_off", "currency", "duration", "redeem_by", "max_redemptions"):
        assert api.post(path, {name: "1"})["error"]["code"] == "parameter_unknown", name
    assert api.post(path, {"name": "Five", "metadata[a]": "1"})["metadata"] == {"a": "1"}
    expand = {"expand[]": "currency_options"}
    api.post(path, {"currency_options[eur][amount_off]": "400"})
    both = api.post(path, {"currency_options[chf][amount_off]": "450", **expand})
    assert both["currency_options"] == {"eur": {"amount_off": 400}, "chf": {"amount_off": 450}}
    assert api.post(path, {"currency_options[eur][amount_off]": "400"}).status == 200
    changed = api.post(path, {"currency_options[eur][amount_off]": "399"})
    assert (changed.status, changed["error"]["param"]) == (400, "currency_options[eur]")
    percent = f"/v1/coupons/{api.post('/v1/coupons', TEN)['id']}"
    assert (
        api.post(percent, {"currency_options[eur][amount_off]": "4"})["error"]["param"] == "currency_options"
    )
    assert api.event_types(type="coupon.*") == ["coupon.created", *["coupon.updated"] * 3, "coupon.created"]


def test_a_coupon_is_valid_until_its_redemptions_or_its_time_are_over(api: Any) -> None:
    limited = api.post("/v1/coupons", {**TEN, "max_redemptions": "2"})["id"]
    for times, valid in ((1, True), (2, False)):
        redeemed(api, limited, times)
        shown = api.get(f"/v1/coupons/{limited}")
        assert (shown["valid"], shown["times_redeemed"]) == (valid, times)
    assert code_for(api, limited)["error"]["param"] == "promotion[coupon]"
    dated = api.post("/v1/coupons", {**TEN, "redeem_by": str(now_of(api) + DAY)})
    with api.app.db.transaction(api.tenant) as tx:
        row = rows.find(tx, Coupon, dated["id"])
        assert row.redeem_by is not None and is_valid(row, row.redeem_by - timedelta(seconds=1))
        assert not is_valid(row, row.redeem_by)


def test_a_deleted_coupon_is_not_found_and_stored_only_if_it_was_redeemed(api: Any) -> None:
    for id in ("free", "used"):
        api.post("/v1/coupons", {**TEN, "id": id})
    redeemed(api, "used", 1)
    for id, again in (("free", 200), ("used", 400)):
        assert api.delete(f"/v1/coupons/{id}") == {"id": id, "object": "coupon", "deleted": True}
        assert api.get(f"/v1/coupons/{id}").status == 404 == api.delete(f"/v1/coupons/{id}").status
        assert api.post(f"/v1/coupons/{id}", {"name": "x"}).status == 404
        assert id not in [row["id"] for row in api.get("/v1/coupons")["data"]]
        assert api.post("/v1/coupons", {**FIVE, "id": id}).status == again
        api.delete(f"/v1/coupons/{id}")
    deletions = api.get("/v1/events", {"type": "coupon.deleted"})["data"]
    assert [event["data"]["object"]["id"] for event in deletions] == ["used", "free", "free"]


# ------------------------------------------------------------------------------------- promotion codes


def test_a_code_is_generated_or_chosen_and_found_in_upper_or_lower_case(api: Any) -> None:
    coupon = api.post("/v1/coupons", TEN)["id"]
    made = code_for(api, coupon)
    assert len(made["code"]) == 8 and made["code"] == made["code"].upper() and made["active"]
    assert made["promotion"] == {"type": "coupon", "coupon": coupon}
    chosen = code_for(api, coupon, code="Half-Off", **{"metadata[a]": "1"})
    assert (chosen["code"], chosen["metadata"]) == ("Half-Off", {"a": "1"})
    assert [row["id"] for row in api.get("/v1/promotion_codes", {"code": "HALF-off"})["data"]] == [
        chosen["id"]
    ]
    assert code_for(api, coupon, code="half off")["error"]["param"] == "code"
    for sent in ({"promotion[type]": "coupon"}, {"promotion[coupon]": coupon}, {}):
        assert api.post("/v1/promotion_codes", sent)["error"]["code"] == "parameter_missing"
    assert code_for(api, "none")["error"]["param"] == "promotion[coupon]"


def test_among_active_codes_of_a_scope_each_is_unique(api: Any) -> None:
    coupon, ann = api.post("/v1/coupons", TEN)["id"], api.post("/v1/customers")["id"]
    first = code_for(api, coupon, code="HALF")
    taken = code_for(api, coupon, code="half")
    assert (taken.status, taken["error"]["param"]) == (400, "code")
    own = code_for(api, coupon, code="half", customer=ann)
    assert own.status == 200 and code_for(api, coupon, code="HALF", customer=ann).status == 400
    waiting = code_for(api, coupon, code="half", active="false")
    assert waiting.status == 200
    path = f"/v1/promotion_codes/{waiting['id']}"
    assert api.post(path, {"active": "true"})["error"]["param"] == "code"
    assert api.post(f"/v1/promotion_codes/{first['id']}", {"active": "false"})["active"] is False
    assert api.post(path, {"active": "true"})["active"] is True
    for query, found in [
        ({"active": "true"}, [waiting, own]),
        ({"active": "false"}, [first]),
        ({"customer": ann}, [own]),
        ({"coupon": coupon}, [waiting, own, first]),
        ({"coupon": "none"}, []),
        ({"code": "half", "customer": ann}, [own]),
    ]:
        listed = api.get("/v1/promotion_codes", query)["data"]
        assert [row["id"] for row in listed] == [row["id"] for row in found], query


def test_one_of_eight_at_once_gets_the_code(api: Any) -> None:
    coupon = api.post("/v1/coupons", TEN)["id"]
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(code_for(api, coupon, code="HALF"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7, answers


def test_a_code_ends_with_its_coupon_at_the_latest(api: Any) -> None:
    day = now_of(api) + DAY
    coupon = api.post("/v1/coupons", {**TEN, "redeem_by": str(day), "max_redemptions": "5"})["id"]
    inherited = code_for(api, coupon)
    assert inherited["expires_at"] == day
    assert code_for(api, coupon, expires_at=str(day + 1))["error"]["param"] == "expires_at"
    assert code_for(api, coupon, expires_at="1000")["error"]["param"] == "expires_at"
    assert code_for(api, coupon, max_redemptions="6")["error"]["param"] == "max_redemptions"
    sooner = code_for(api, coupon, expires_at=str(day - 60), max_redemptions="5")
    assert (sooner["expires_at"], sooner["max_redemptions"]) == (day - 60, 5)


def test_a_code_that_has_expired_is_never_active_again(api: Any) -> None:
    coupon = api.post("/v1/coupons", TEN)["id"]
    made = code_for(api, coupon, expires_at=str(now_of(api) + 60))
    path = f"/v1/promotion_codes/{made['id']}"
    jobs.run_due(api.app.db, clock="wall", until=api.app.db.wall())
    assert api.get(path)["active"] is True
    with api.app.db.transaction(api.tenant) as tx:
        row = rows.lock(tx, PromotionCode, made["id"])
        assert row.expires_at
        rows.update(tx, row, event=None, expires_at=row.expires_at - timedelta(hours=1))
        jobs.put(tx, "promotion_code.expire", row.id, tx.now)
    jobs.run_due(api.app.db, clock="wall", until=api.app.db.wall())
    assert api.get(path)["active"] is False
    assert api.post(path, {"active": "true"})["error"]["param"] == "active"
    assert api.event_types(type="promotion_code.*") == ["promotion_code.created", "promotion_code.updated"]


def test_the_codes_of_a_deleted_coupon_stay_inactive(api: Any) -> None:
    coupon = api.post("/v1/coupons", TEN)["id"]
    made = [code_for(api, coupon) for _ in range(2)]
    kept = code_for(api, api.post("/v1/coupons", TEN)["id"])
    api.delete(f"/v1/coupons/{coupon}")
    for code in made:
        path = f"/v1/promotion_codes/{code['id']}"
        assert api.get(path)["active"] is False
        assert api.post(path, {"active": "true"})["error"]["param"] == "active"
        assert api.post(path, {"metadata[a]": "1"})["metadata"] == {"a": "1"}
    assert api.get(f"/v1/promotion_codes/{kept['id']}")["active"] is True


def test_a_code_that_is_used_up_is_never_active_again(api: Any) -> None:
    made = code_for(api, api.post("/v1/coupons", TEN)["id"], max_redemptions="1")
    with api.app.db.transaction(api.tenant) as tx:
        row = rows.lock(tx, PromotionCode, made["id"])
        rows.update(tx, row, times_redeemed=1, active=False)
    refused = api.post(f"/v1/promotion_codes/{made['id']}", {"active": "true"})
    assert refused["error"]["param"] == "active"


def test_the_restrictions_of_a_code_are_complete(api: Any) -> None:
    coupon = api.post("/v1/coupons", TEN)["id"]
    for sent, param in [
        ({"minimum_amount": "5"}, "restrictions[minimum_amount_currency]"),
        ({"minimum_amount_currency": "usd"}, "restrictions[minimum_amount]"),
        ({"minimum_amount": "0", "minimum_amount_currency": "usd"}, "restrictions[minimum_amount]"),
    ]:
        named = {f"restrictions[{name}]": value for name, value in sent.items()}
        assert code_for(api, coupon, **named)["error"]["param"] == param
    least = {"restrictions[minimum_amount]": "5", "restrictions[minimum_amount_currency]": "usd"}
    first = {"restrictions[first_time_transaction]": "true"}
    made = code_for(api, coupon, **least, **first)
    assert made["restrictions"] == {
        "currency_options": {},
        "first_time_transaction": True,
        "minimum_amount": 5,
        "minimum_amount_currency": "usd",
    }
    path = f"/v1/promotion_codes/{made['id']}"
    more = api.post(path, {"restrictions[currency_options][eur][minimum_amount]": "4"})
    assert more["restrictions"]["currency_options"] == {"eur": {"minimum_amount": 4}}
    own = api.post(path, {"restrictions[currency_options][usd][minimum_amount]": "4"})
    assert own["error"]["param"] == "restrictions[currency_options][usd]"
    for name in ("code", "customer", "expires_at", "max_redemptions", "promotion[coupon]"):
        assert api.post(path, {name: "1"})["error"]["code"] == "parameter_unknown", name


def test_the_code_of_a_customer_expires_by_the_customers_test_clock(api: Any) -> None:
    start = now_of(api) + 100 * DAY
    clock = api.post("/v1/test_helpers/test_clocks", {"frozen_time": str(start)})["id"]
    ann = api.post("/v1/customers", {"test_clock": clock})["id"]
    coupon = api.post("/v1/coupons", TEN)["id"]
    assert code_for(api, coupon, customer=ann, expires_at=str(start - 1))["error"]["param"] == "expires_at"
    made = code_for(api, coupon, customer=ann, expires_at=str(start + DAY))
    assert made["created"] == start
    for later, active in ((DAY - 1, True), (DAY, False)):
        advance = f"/v1/test_helpers/test_clocks/{clock}/advance"
        api.post(advance, {"frozen_time": str(start + later)})
        jobs.run_due(api.app.db, clock="wall", until=api.app.db.wall())
        assert api.get(f"/v1/promotion_codes/{made['id']}")["active"] is active


def test_a_code_for_an_unknown_account_is_not_found(api: Any) -> None:
    code_for(api, api.post("/v1/coupons", TEN)["id"])
    assert api.get("/v1/promotion_codes", {"customer_account": "acct_none"})["data"] == []
