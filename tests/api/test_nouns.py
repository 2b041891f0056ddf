"""Do customers, cards, meters, webhook endpoints, events and test clocks behave as Stripe's do?"""

from typing import Any

import pytest

from billow.core.numbering import prefix_from
from billow.store import jobs

METER = {"display_name": "Tokens", "event_name": "tokens", "default_aggregation[formula]": "sum"}
DEFAULT = "invoice_settings[default_payment_method]"


# ------------------------------------------------------------------------------------- customers


def test_an_invoice_prefix_is_made_from_the_id_and_is_unique(api: Any, other: Any) -> None:
    made = api.post("/v1/customers")
    assert made["invoice_prefix"] == prefix_from(made["id"])
    assert api.post("/v1/customers", {"invoice_prefix": "ACME1"})["invoice_prefix"] == "ACME1"
    assert api.post("/v1/customers", {"invoice_prefix": "ACME1"})["error"]["param"] == "invoice_prefix"
    assert other.post("/v1/customers", {"invoice_prefix": "ACME1"}).status == 200
    for wrong in ("acme", "A-B", "A" * 13, "Ä"):
        path = f"/v1/customers/{made['id']}"
        assert api.post(path, {"invoice_prefix": wrong})["error"]["param"] == "invoice_prefix", wrong


def test_a_deleted_customer_remains_as_a_stub(api: Any) -> None:
    made = api.post("/v1/customers", {"name": "Ann"})
    stub = {"id": made["id"], "object": "customer", "deleted": True}
    path = f"/v1/customers/{made['id']}"
    assert api.delete(path) == stub
    assert api.get(path) == stub and api.get(path).status == 200
    assert api.post(path, {"name": "Bob"}).status == 404 and api.delete(path).status == 404
    assert api.get("/v1/customers")["data"] == []
    event = api.get("/v1/events", {"type": "customer.deleted"})["data"][0]
    assert event["data"]["object"]["name"] == "Ann"


def test_hashes_are_merged_by_key_and_only_their_changed_leaves_are_told(api: Any) -> None:
    made = api.post("/v1/customers", {"address[city]": "Bern", "address[line1]": "A 1"})
    api.post(f"/v1/customers/{made['id']}", {"address[city]": "Basel"})
    event = api.get("/v1/events", {"type": "customer.updated"})["data"][0]
    assert event["data"]["previous_attributes"] == {"address": {"city": "Bern"}}
    assert event["data"]["object"]["address"]["line1"] == "A 1"


def test_customers_are_found_by_mail(api: Any) -> None:
    ann = api.post("/v1/customers", {"email": "ann@x.ch"})["id"]
    api.post("/v1/customers", {"email": "bob@x.ch"})
    assert [row["id"] for row in api.get("/v1/customers", {"email": "ann@x.ch"})["data"]] == [ann]


# ------------------------------------------------------------------------------------- cards


def test_a_test_card_is_attached_by_its_name(api: Any) -> None:
    ann = api.post("/v1/customers")["id"]
    first = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": ann})
    second = api.post("/v1/payment_methods/pm_card_mastercard/attach", {"customer": ann})
    assert first["customer"] == ann and first["id"] != second["id"]
    assert (first["card"]["brand"], second["card"]["last4"]) == ("visa", "4444")
    listed = [row["id"] for row in api.get("/v1/payment_methods", {"customer": ann, "type": "card"})["data"]]
    assert listed == [second["id"], first["id"]]
    below = api.get(f"/v1/customers/{ann}/payment_methods", {"limit": 1})
    assert (below["data"][0]["id"], below["has_more"]) == (second["id"], True)
    assert below["url"] == f"/v1/customers/{ann}/payment_methods"
    assert api.get(f"/v1/customers/{ann}/payment_methods/{first['id']}")["id"] == first["id"]
    assert api.get("/v1/payment_methods/pm_card_visa")["card"]["last4"] == "4242"
    assert api.event_types(type="payment_method.*") == ["payment_method.attached"] * 2
    assert api.get(f"/v1/customers/{ann}")["invoice_settings"]["default_payment_method"] is None


def test_a_card_is_made_from_a_token_or_a_number(api: Any) -> None:
    number = {
        "card[number]": "4000056655665556",
        "card[exp_month]": "4",
        "card[exp_year]": "31",
        "card[cvc]": "123",
    }
    made = api.post("/v1/payment_methods", {"type": "card", **number, "billing_details[name]": "Ann"})
    assert (made["card"]["funding"], made["card"]["exp_year"], made["customer"]) == ("debit", 2031, None)
    assert made["billing_details"]["name"] == "Ann" and made["billing_details"]["address"]["city"] is None
    token = api.post("/v1/payment_methods", {"type": "card", "card[token]": "tok_visa"})
    again = api.post("/v1/payment_methods", {"type": "card", "card[token]": "tok_visa"})
    assert token["card"]["fingerprint"] == again["card"]["fingerprint"] != made["card"]["fingerprint"]
    assert api.event_types() == []
    for sent in ({"type": "card"}, {"type": "card", **number, "card[token]": "tok_visa"}, {"type": "iban"}):
        assert api.post("/v1/payment_methods", sent).status == 400


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("4242424242424241", "incorrect_number", None),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000000069", "expired_card", "expired_card"),
    ],
)
def test_a_bad_card_is_a_card_error(api: Any, card: str, code: str, decline_code: str | None) -> None:
    sent = {"card[number]": card, "card[exp_month]": "4", "card[exp_year]": "2031"}
    answer = api.post("/v1/payment_methods", {"type": "card", **sent})
    assert (answer.status, answer["error"]["type"], answer["error"]["code"]) == (402, "card_error", code)
    assert answer["error"].get("decline_code") == decline_code
    assert answer["error"]["message"].startswith("Your card")


def test_a_card_that_fails_later_attaches(api: Any) -> None:
    ann = api.post("/v1/customers")["id"]
    assert api.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", {"customer": ann}).status == 200


def test_a_card_belongs_to_one_customer_and_once_detached_to_none(api: Any) -> None:
    ann = api.post("/v1/customers", {"payment_method": "pm_card_visa", DEFAULT: "pm_card_visa"})
    bob = api.post("/v1/customers")["id"]
    card = ann["invoice_settings"]["default_payment_method"]
    assert api.post(f"/v1/payment_methods/{card}/attach", {"customer": bob}).status == 400
    assert api.post(f"/v1/payment_methods/{card}/attach", {"customer": ann["id"]}).status == 200
    assert api.post(f"/v1/customers/{bob}", {DEFAULT: card})["error"]["code"] == "resource_missing"
    detached = api.post(f"/v1/payment_methods/{card}/detach")
    assert detached["customer"] is None
    assert api.get(f"/v1/customers/{ann['id']}")["invoice_settings"]["default_payment_method"] is None
    assert api.post(f"/v1/payment_methods/{card}/attach", {"customer": ann["id"]}).status == 400
    assert api.post(f"/v1/payment_methods/{card}/detach").status == 400
    unknown = api.post("/v1/payment_methods/pm_none/attach", {"customer": bob})
    assert (unknown.status, unknown["error"]["param"]) == (404, "payment_method")
    missing = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": "cus_none"})
    assert (missing.status, missing["error"]["param"]) == (400, "customer")


def test_a_default_may_be_set_by_the_name_of_a_test_card(api: Any) -> None:
    ann = api.post("/v1/customers", {"name": "Ann"})["id"]
    shown = api.post(f"/v1/customers/{ann}", {DEFAULT: "pm_card_visa", "name": "Anna"})
    cards = [row["id"] for row in api.get(f"/v1/customers/{ann}/payment_methods")["data"]]
    assert [shown["invoice_settings"]["default_payment_method"]] == cards and shown["name"] == "Anna"


def test_a_token_in_the_old_way_becomes_the_default_source(api: Any) -> None:
    ann = api.post("/v1/customers", {"source": "tok_visa"})
    (card,) = api.get("/v1/payment_methods", {"customer": ann["id"]})["data"]
    assert ann["default_source"] == card["id"] and card["id"].startswith("card_")
    path = f"/v1/customers/{ann['id']}"
    changed = api.post(path, {"source": "tok_mastercard"})["default_source"]
    assert (
        changed != card["id"] and api.get(f"/v1/payment_methods/{changed}")["card"]["brand"] == "mastercard"
    )
    assert api.post(path, {"default_source": card["id"]})["default_source"] == card["id"]
    assert api.post(path, {"default_source": "card_none"}).status == 400
    api.post(f"/v1/payment_methods/{card['id']}/detach")
    assert api.get(path)["default_source"] is None


def test_the_expiry_of_a_card_can_change(api: Any) -> None:
    ann = api.post("/v1/customers")["id"]
    card = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": ann})
    changed = api.post(f"/v1/payment_methods/{card['id']}", {"card[exp_year]": "2040"})["card"]
    assert changed == {**card["card"], "exp_year": 2040}


# ------------------------------------------------------------------------------------- meters


def test_an_event_name_belongs_to_one_active_meter(api: Any) -> None:
    made = api.post("/v1/billing/meters", METER)
    assert made["customer_mapping"] == {"event_payload_key": "stripe_customer_id", "type": "by_id"}
    assert made["value_settings"] == {"event_payload_key": "value"}
    assert api.post("/v1/billing/meters", METER)["error"]["param"] == "event_name"
    path = f"/v1/billing/meters/{made['id']}"
    stopped = api.post(f"{path}/deactivate")
    assert stopped["status"] == "inactive" and stopped["status_transitions"]["deactivated_at"] is not None
    assert api.post(f"{path}/deactivate").status == 400
    second = api.post("/v1/billing/meters", METER)
    assert second.status == 200
    assert api.post(f"{path}/reactivate")["error"]["param"] == "event_name"
    api.post(f"/v1/billing/meters/{second['id']}/deactivate")
    assert api.post(f"{path}/reactivate")["status_transitions"] == {"deactivated_at": None}
    assert [m["id"] for m in api.get("/v1/billing/meters", {"status": "active"})["data"]] == [made["id"]]
    told = ["created", "deactivated", "created", "deactivated", "reactivated"]
    assert api.event_types(type="billing.meter.*") == [f"billing.meter.{name}" for name in told]


def test_a_metered_price_needs_an_active_meter(api: Any) -> None:
    meter = api.post("/v1/billing/meters", METER)["id"]
    sent = {
        "product_data[name]": "Gold",
        "currency": "usd",
        "unit_amount_decimal": "0.01",
        "recurring[interval]": "month",
        "recurring[usage_type]": "metered",
        "recurring[meter]": meter,
    }
    made = api.post("/v1/prices", sent)
    assert made["recurring"]["meter"] == meter
    assert [p["id"] for p in api.get("/v1/prices", {"recurring[meter]": meter})["data"]] == [made["id"]]
    api.post(f"/v1/billing/meters/{meter}/deactivate")
    assert api.post("/v1/prices", sent)["error"]["param"] == "recurring[meter]"


def test_only_the_display_name_of_a_meter_changes(api: Any) -> None:
    made = api.post("/v1/billing/meters", METER)
    path = f"/v1/billing/meters/{made['id']}"
    assert api.post(path, {"display_name": "T"})["display_name"] == "T"
    assert api.post(path, {"event_name": "x"})["error"]["code"] == "parameter_unknown"


# ------------------------------------------------------------------------------------- events


def test_a_webhook_endpoint_gets_deliveries_of_what_it_asked_for(app: Any, api: Any) -> None:
    some = api.post("/v1/webhook_endpoints", {"url": "https://x.ch/a", "enabled_events[]": "product.created"})
    every = api.post("/v1/webhook_endpoints", {"url": "https://x.ch/b", "enabled_events[]": "*"})
    api.post("/v1/products", {"name": "Gold"})
    api.post("/v1/customers")
    customer, product = api.get("/v1/events")["data"]
    assert (customer["pending_webhooks"], product["pending_webhooks"]) == (1, 2)
    with app.db.transaction(api.tenant) as tx:
        due = {(row["event"], row["receiver"]) for row in tx.all("select * from webhook_deliveries")}
    assert due == {(customer["id"], every["id"]), (product["id"], every["id"]), (product["id"], some["id"])}
    assert api.post(f"/v1/webhook_endpoints/{every['id']}", {"disabled": "true"})["status"] == "disabled"
    api.post("/v1/customers")
    assert api.get("/v1/events")["data"][0]["pending_webhooks"] == 0
    assert api.post(f"/v1/webhook_endpoints/{every['id']}", {"disabled": "false"})["status"] == "enabled"


def test_the_secret_of_an_endpoint_is_shown_once(api: Any) -> None:
    made = api.post("/v1/webhook_endpoints", {"url": "https://x.ch/a", "enabled_events[]": "*"})
    path = f"/v1/webhook_endpoints/{made['id']}"
    assert made["secret"].startswith("whsec_") and len(made["secret"]) == 38
    for answer in (
        api.get(path),
        api.post(path, {"url": "https://x.ch/b"}),
        api.get("/v1/webhook_endpoints")["data"][0],
    ):
        assert "secret" not in answer
    assert api.event_types() == []
    assert api.delete(path)["deleted"] is True and api.get(path).status == 404


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"url": "ftp://x.ch"}, "url"),
        ({"url": "https://"}, "url"),
        ({"enabled_events[]": "everything"}, "enabled_events[0]"),
        ({"enabled_events[]": "foo.bar"}, "enabled_events[0]"),
        ({"enabled_events": ""}, "enabled_events"),
        ({"api_version": "2019-01-01"}, "api_version"),
    ],
)
def test_an_endpoint_that_cannot_hear_is_refused(api: Any, sent: dict[str, str], param: str) -> None:
    good = {"url": "https://x.ch/a"} | ({} if "enabled_events" in sent else {"enabled_events[]": "*"})
    assert api.post("/v1/webhook_endpoints", {**good, **sent})["error"]["param"] == param


def test_sixteen_endpoints_are_enough(api: Any) -> None:
    sent = {"url": "https://x.ch/a", "enabled_events[]": "*"}
    assert [api.post("/v1/webhook_endpoints", sent).status for _ in range(17)] == [200] * 16 + [400]


def test_events_are_filtered_by_type(api: Any) -> None:
    api.post("/v1/products", {"name": "Gold"})
    api.post("/v1/prices", {"product_data[name]": "B", "currency": "usd", "unit_amount": "1"})
    for query, found in [
        ({"type": "product.*"}, 2),
        ({"type": "product.created"}, 2),
        ({"type": "*.created"}, 3),
        ({"type": "product_created"}, 0),
        ({"type": "%"}, 0),
        ({"types[0]": "price.created", "types[1]": "x"}, 1),
        ({"delivery_success": "true"}, 3),
        ({"delivery_success": "false"}, 0),
    ]:
        assert len(api.get("/v1/events", query)["data"]) == found, query
    assert api.get("/v1/events", {"type": "a", "types[]": "b"}).status == 400


# ------------------------------------------------------------------------------------- test clocks


def test_a_customer_on_a_test_clock_lives_at_its_time(app: Any, api: Any) -> None:
    clock = api.post("/v1/test_helpers/test_clocks", {"frozen_time": "1900000000"})
    assert (clock["status"], clock["status_details"], clock["frozen_time"]) == ("ready", {}, 1900000000)
    ann = api.post("/v1/customers", {"test_clock": clock["id"], "payment_method": "pm_card_visa"})
    assert (ann["test_clock"], ann["created"]) == (clock["id"], 1900000000)
    card = api.get(f"/v1/customers/{ann['id']}/payment_methods")["data"][0]
    late = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": ann["id"]})
    assert card["created"] == late["created"] == 1900000000
    assert api.get("/v1/events", {"type": "customer.created"})["data"][0]["created"] == 1900000000
    assert api.get("/v1/customers")["data"] == []
    assert len(api.get("/v1/customers", {"test_clock": clock["id"]})["data"]) == 1
    with app.db.transaction(api.tenant) as tx:
        jobs.put(tx, "subscription.renew", ann["id"], tx.now, clock=clock["id"])
    path = f"/v1/test_helpers/test_clocks/{clock['id']}"
    assert api.delete(path) == {"id": clock["id"], "object": "test_helpers.test_clock", "deleted": True}
    assert api.get(path).status == 404 and api.get(f"/v1/customers/{ann['id']}")["deleted"] is True
    with app.db.transaction(api.tenant) as tx:
        assert tx.all("select 1 from jobs where clock = %(clock)s", clock=clock["id"]) == []


def test_there_are_no_test_clocks_in_live_mode(app: Any, api: Any) -> None:
    from tests.conftest import new_caller

    live = new_caller(app, "live", api.account)
    answer = live.post("/v1/test_helpers/test_clocks", {"frozen_time": "1900000000"})
    assert (answer.status, answer["error"]["code"]) == (400, "testmode_charges_only")


def test_the_next_invoice_sequence_gives_no_number_twice(api: Any) -> None:
    """A number that was used before stopped every later invoice of the customer."""
    customer = api.post("/v1/customers", {"name": "Ann"})["id"]
    invoice = api.post("/v1/invoices", {"customer": customer, "auto_advance": "false"})["id"]
    assert api.post(f"/v1/invoices/{invoice}/finalize")["number"].endswith("-0001")
    path = f"/v1/customers/{customer}"
    refused = api.post(path, {"next_invoice_sequence": "1"})
    assert (refused.status, refused["error"]["param"]) == (400, "next_invoice_sequence")
    assert api.post(path, {"next_invoice_sequence": "7"}).status == 200
    assert api.post(path, {"next_invoice_sequence": "2"}).status == 200, "none of them was used"


def test_a_number_by_hand_is_none_that_a_series_is_still_to_give(api: Any) -> None:
    """The invoice that was to have it could never be finalized, nor any after it."""
    for prefix in ("HAND", "OTHER"):
        customer = api.post("/v1/customers", {"name": "Ann", "invoice_prefix": prefix})["id"]
    form = {"customer": customer, "auto_advance": "false"}
    for number in ("OTHER-0001", "HAND-0003"):
        refused = api.post("/v1/invoices", {**form, "number": number})
        assert (refused.status, refused["error"]["param"]) == (400, "number"), number
    draft = api.post("/v1/invoices", {**form, "number": "OTHER-1"})["id"]
    assert api.post(f"/v1/invoices/{draft}", {"number": "OTHER-0001"}).status == 400
    path = f"/v1/customers/{customer}"
    assert api.post(path, {"next_invoice_sequence": "2"}).status == 200
    assert api.post(f"/v1/invoices/{draft}", {"number": "OTHER-0001"}).status == 200
    assert api.post(path, {"next_invoice_sequence": "1"})["error"]["param"] == "next_invoice_sequence"
    assert api.post(f"/v1/invoices/{draft}/finalize")["number"] == "OTHER-0001"
    second = api.post("/v1/invoices", form)["id"]
    assert api.post(f"/v1/invoices/{second}/finalize")["number"] == "OTHER-0002"


def test_a_prefix_begins_behind_the_numbers_that_were_given_by_hand(api: Any) -> None:
    customer = api.post("/v1/customers", {"name": "Ann"})["id"]
    form = {"customer": customer, "auto_advance": "false", "number": "LATER-0004"}
    assert api.post("/v1/invoices", form).status == 200
    for path in ("/v1/customers", f"/v1/customers/{customer}"):
        refused = api.post(path, {"invoice_prefix": "LATER"})
        assert (refused.status, refused["error"]["param"]) == (400, "next_invoice_sequence")
    assert api.post(path, {"invoice_prefix": "LATER", "next_invoice_sequence": "5"}).status == 200
