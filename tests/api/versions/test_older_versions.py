"""Does a client of an older version of the API send and read what it always did?"""

from typing import Any

import pytest

from tests.conftest import Api

FLOOR, ACACIA, BASIL = "2020-08-27", "2025-02-24.acacia", "2025-08-27.basil"


class Client:
    """A caller that names a version with each request, as an SDK does that is pinned to one."""

    def __init__(self, api: Api, version: str) -> None:
        self.api, self.version = api, version

    def post(self, path: str, form: dict[str, Any] | None = None) -> Any:
        return self._good(self.api.post(f"/v1/{path}", form or {}, Stripe_Version=self.version))

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        return self._good(self.api.get(f"/v1/{path}", query or {}, Stripe_Version=self.version))

    def refused(self, path: str, form: dict[str, Any]) -> Any:
        answer = self.api.post(f"/v1/{path}", form, Stripe_Version=self.version)
        assert answer.status == 400, answer
        return answer["error"]

    def _good(self, answer: Any) -> Any:
        assert answer.status == 200, answer
        assert answer.headers["Stripe-Version"] == self.version
        return answer


@pytest.fixture
def floor(api: Api) -> Client:
    return Client(api, FLOOR)


@pytest.fixture
def acacia(api: Api) -> Client:
    return Client(api, ACACIA)


@pytest.fixture
def world(api: Api) -> dict[str, str]:
    """A customer with a card, a monthly price of 20.00, a coupon of 10 % and a tax of 7 %."""
    customer = api.post("/v1/customers", {"name": "Ann", "payment_method": "pm_card_visa"})["id"]
    card = api.get(f"/v1/customers/{customer}/payment_methods")["data"][0]["id"]
    api.post(f"/v1/customers/{customer}", {"invoice_settings[default_payment_method]": card})
    price = {"currency": "usd", "unit_amount": "2000", "recurring[interval]": "month"}
    return {
        "customer": customer,
        "price": api.post("/v1/prices", {**price, "product_data[name]": "Gold"})["id"],
        "coupon": api.post("/v1/coupons", {"percent_off": "10", "duration": "forever"})["id"],
        "card": card,
        "tax": api.post("/v1/tax_rates", {"display_name": "VAT", "percentage": "7", "inclusive": "false"})[
            "id"
        ],
    }


def subscribed(client: Client, world: dict[str, str], **more: Any) -> Any:
    form = {
        "customer": world["customer"],
        "items[0][price]": world["price"],
        "items[0][quantity]": "2",
        "coupon": world["coupon"],
        "default_tax_rates[0]": world["tax"],
    }
    return client.post("subscriptions", {**form, **more})


def test_a_subscription_has_its_period_plan_and_discount(acacia: Client, world: dict[str, str]) -> None:
    made = subscribed(acacia, world)
    [item] = made["items"]["data"]
    assert made["current_period_start"] == item["current_period_start"]
    assert made["current_period_end"] == item["current_period_end"]
    assert (made["plan"]["id"], made["quantity"]) == (world["price"], 2)
    assert made["discount"]["coupon"]["id"] == world["coupon"]
    assert made["discount"]["coupon"]["percent_off"] == 10
    assert made["billing_mode"]["type"] == "classic"
    newest = acacia.api.get(f"/v1/subscriptions/{made['id']}")
    assert not {"current_period_end", "plan", "quantity", "discount"} & newest.keys()


def test_two_items_have_no_plan_of_the_subscription(acacia: Client, world: dict[str, str]) -> None:
    other = {"currency": "usd", "unit_amount": "500", "recurring[interval]": "month"}
    second = acacia.post("prices", {**other, "product_data[name]": "Extra"})["id"]
    made = subscribed(acacia, world, **{"items[1][price]": second})
    assert (made["plan"], made["quantity"]) == (None, None)
    assert made["current_period_end"] == made["items"]["data"][1]["current_period_end"]


def test_the_most_used_expansion_is_answered(acacia: Client, world: dict[str, str]) -> None:
    expand = {"expand[0]": "latest_invoice.payment_intent.latest_charge"}
    invoice = subscribed(acacia, world, **expand)["latest_invoice"]
    intent = invoice["payment_intent"]
    assert (intent["object"], intent["status"], intent["invoice"]) == (
        "payment_intent",
        "succeeded",
        invoice["id"],
    )
    assert invoice["charge"] == intent["latest_charge"]["id"]
    assert intent["latest_charge"]["invoice"] == invoice["id"]


def test_an_invoice_is_as_it_was(floor: Client, world: dict[str, str]) -> None:
    subscription = subscribed(floor, world)
    invoice = floor.get(f"invoices/{subscription['latest_invoice']}")
    # 2 x 20.00, less 10 %, plus 7 % tax
    assert (invoice["subtotal"], invoice["tax"], invoice["total"]) == (4000, 252, 3852)
    assert (invoice["paid"], invoice["paid_out_of_band"], invoice["amount_paid"]) == (True, False, 3852)
    assert invoice["subscription"] == subscription["id"]
    assert invoice["subscription_details"] == {"metadata": {}}
    assert invoice["discount"]["coupon"]["id"] == world["coupon"]
    assert invoice["total_tax_amounts"] == [
        {
            "amount": 252,
            "inclusive": False,
            "tax_rate": world["tax"],
            "taxability_reason": None,
            "taxable_amount": 3600,
        }
    ]
    assert invoice["quote"] is invoice["application_fee_amount"] is invoice["transfer_data"] is None
    assert invoice["rendering_options"] == {"amount_tax_display": None}
    [line] = invoice["lines"]["data"]
    assert (line["type"], line["proration"]) == ("subscription", False)
    assert line["proration_details"] == {"credited_items": None}
    assert line["subscription_item"] == subscription["items"]["data"][0]["id"]
    assert line["subscription"] == subscription["id"] and "invoice_item" not in line
    assert (line["price"]["id"], line["price"]["object"]) == (world["price"], "price")
    assert (line["plan"]["id"], line["plan"]["object"], line["plan"]["amount"]) == (
        world["price"],
        "plan",
        2000,
    )
    assert (line["amount_excluding_tax"], line["unit_amount_excluding_tax"]) == (4000, "2000")
    assert line["tax_rates"] == []  # they are the subscription's, not its own
    assert line["tax_amounts"] == invoice["total_tax_amounts"]


def test_an_invoice_that_nobody_paid_has_no_payment(acacia: Client, world: dict[str, str]) -> None:
    draft = acacia.post("invoices", {"customer": world["customer"]})
    shown = (draft["payment_intent"], draft["charge"], draft["paid"], draft["tax"], draft["subscription"])
    assert shown == (None, None, False, None, None)
    assert draft["subscription_details"] == {"metadata": None}


def test_what_is_paid_elsewhere_is_not_in_amount_paid(acacia: Client, world: dict[str, str]) -> None:
    invoice = acacia.post("invoices", {"customer": world["customer"]})["id"]
    item = {"customer": world["customer"], "invoice": invoice, "amount": "700", "currency": "usd"}
    acacia.post("invoiceitems", item)
    acacia.post(f"invoices/{invoice}/finalize")
    paid = acacia.post(f"invoices/{invoice}/pay", {"paid_out_of_band": "true"})
    assert (paid["paid"], paid["paid_out_of_band"], paid["amount_paid"]) == (True, True, 0)
    assert acacia.api.get(f"/v1/invoices/{invoice}")["amount_paid"] == 700


def test_expansions_of_old_fields_are_answered(floor: Client, world: dict[str, str]) -> None:
    subscription = subscribed(floor, world)
    paths = (
        "charge.balance_transaction",
        "discount.coupon.applies_to",
        "lines.data.plan.product",
        "lines.data.price.product",
        "payment_intent.charges.data.balance_transaction",
        "subscription.default_payment_method",
        "total_tax_amounts.tax_rate",
    )
    expand = {f"expand[{place}]": path for place, path in enumerate(paths)}
    invoice = floor.get(f"invoices/{subscription['latest_invoice']}", expand)
    [line] = invoice["lines"]["data"]
    assert line["plan"]["product"]["name"] == line["price"]["product"]["name"] == "Gold"
    assert invoice["charge"]["balance_transaction"]["object"] == "balance_transaction"
    assert invoice["discount"]["coupon"]["applies_to"] is None
    assert invoice["payment_intent"]["charges"]["data"][0]["balance_transaction"]["net"] > 0
    assert invoice["subscription"]["current_period_end"] == subscription["current_period_end"]
    assert invoice["total_tax_amounts"][0]["tax_rate"]["percentage"] == 7
    listed = floor.get("invoices", {"expand[0]": "data.payment_intent", "expand[1]": "data.subscription"})
    assert listed["data"][0]["payment_intent"]["object"] == "payment_intent"
    assert listed["data"][0]["subscription"]["plan"]["id"] == world["price"]


def test_an_old_expansion_is_refused_today(api: Api, floor: Client, world: dict[str, str]) -> None:
    subscription = subscribed(floor, world)
    path = f"/v1/subscriptions/{subscription['id']}"
    answer = api.get(path, {"expand[]": "latest_invoice.payment_intent"})
    assert answer["error"]["message"] == "This property cannot be expanded (payment_intent)."
    unknown = api.get(path, {"expand[]": "latest_invoice.nonsense"}, Stripe_Version=FLOOR)
    assert unknown["error"]["message"] == "This property cannot be expanded (nonsense)."


def test_a_key_is_not_shown_what_it_may_not_read(api: Api, floor: Client, world: dict[str, str]) -> None:
    subscription = subscribed(floor, world)
    sent = {"kind": "restricted", "permissions[invoices]": "read"}
    key = {"Authorization": f"Bearer {api.post('/v1/api_keys', sent)['secret']}", "Stripe_Version": FLOOR}
    path = f"/v1/invoices/{subscription['latest_invoice']}"
    shown = api.get(path, **key)
    assert shown["payment_intent"].startswith("pi_")  # an id is no object
    assert shown["lines"]["data"][0]["price"] is None and shown["discount"] is None
    for name, noun in (
        ("payment_intent", "payment_intents"),
        ("charge", "charges"),
        ("total_tax_amounts.tax_rate", "tax_rates"),
        ("discount", "customers"),
        ("lines.data.plan.product", "plans"),
    ):
        refused = api.get(path, {"expand[]": name}, **key)
        assert (refused.status, noun in str(refused)) == (403, True), name


def test_a_list_that_a_key_may_not_read_is_null_and_not_empty(
    api: Api, floor: Client, world: dict[str, str]
) -> None:
    form = {"amount": "500", "currency": "usd", "customer": world["customer"]}
    intent = floor.post("payment_intents", {**form, "payment_method": world["card"], "confirm": "true"})
    sent = {"kind": "restricted", "permissions[payment_intents]": "read"}
    key = {"Authorization": f"Bearer {api.post('/v1/api_keys', sent)['secret']}", "Stripe_Version": FLOOR}
    assert api.get(f"/v1/payment_intents/{intent['id']}", **key)["charges"] is None


def test_charges_and_intents_are_as_they_were(floor: Client, world: dict[str, str]) -> None:
    form = {"amount": "500", "currency": "usd", "customer": world["customer"]}
    confirmed = {"payment_method": world["card"], "confirm": "true", "payment_method_types[0]": "card"}
    intent = floor.post("payment_intents", {**form, **confirmed})
    charges = intent["charges"]
    assert (charges["object"], charges["total_count"], charges["has_more"]) == ("list", 1, False)
    [charge] = charges["data"]
    assert (charge["id"], charge["paid"], charge["invoice"]) == (intent["latest_charge"], True, None)
    floor.post("refunds", {"payment_intent": intent["id"], "amount": "100"})
    again = floor.get(f"charges/{charge['id']}")
    assert again["refunds"]["data"][0]["amount"] == 100
    assert (again["destination"], again["dispute"]) == (None, None)


def test_a_list_of_methods_without_cards_is_refused(acacia: Client, world: dict[str, str]) -> None:
    form = {"amount": "500", "currency": "usd", "customer": world["customer"]}
    refused = acacia.refused("payment_intents", {**form, "payment_method_types[0]": "ideal"})
    assert refused["param"] == "payment_method_types"


def test_an_upcoming_invoice_is_previewed(acacia: Client, world: dict[str, str]) -> None:
    subscription = subscribed(acacia, world)
    changed = {
        "customer": world["customer"],
        "subscription": subscription["id"],
        "subscription_items[0][id]": subscription["items"]["data"][0]["id"],
        "subscription_items[0][quantity]": "3",
        "subscription_proration_behavior": "none",
    }
    upcoming = acacia.get("invoices/upcoming", changed)
    # 3 x 20.00, less 10 %, plus 7 % tax
    assert "id" not in upcoming
    assert (upcoming["total"], upcoming["paid"], upcoming["subscription"]) == (
        5778,
        False,
        subscription["id"],
    )
    assert upcoming["discount"]["coupon"]["id"] == world["coupon"]
    [line] = acacia.get("invoices/upcoming/lines", changed)["data"]
    assert (line["price"]["id"], line["quantity"], line["type"]) == (world["price"], 3, "subscription")
    assert acacia.get("invoices/upcoming", {"customer": world["customer"]})["total"] == 3852
    gone = acacia.api.get("/v1/invoices/upcoming", {"customer": world["customer"]})
    assert (gone.status, "Unrecognized request URL" in gone["error"]["message"]) == (404, True)


def test_a_preview_writes_nothing(acacia: Client, world: dict[str, str]) -> None:
    subscription = subscribed(acacia, world)
    before = acacia.api.event_types()
    inline = {
        "subscription": subscription["id"],
        "subscription_items[0][price_data][currency]": "usd",
        "subscription_items[0][price_data][unit_amount]": "700",
        "subscription_items[0][price_data][recurring][interval]": "month",
        "subscription_items[0][price_data][product]": subscription["plan"]["product"],
    }
    upcoming = acacia.get("invoices/upcoming", inline)
    assert {line["price"]["unit_amount"] for line in upcoming["lines"]["data"]} >= {700}
    assert acacia.api.event_types() == before


@pytest.mark.parametrize(
    ("path", "form", "param"),
    [
        ("subscriptions", {"coupon": "none"}, "coupon"),
        ("subscriptions", {"promotion_code": "none"}, "promotion_code"),
        ("subscriptions", {"coupon": "none", "discounts[0][coupon]": "none"}, "coupon"),
        ("promotion_codes", {}, "coupon"),
        ("promotion_codes", {"coupon": "none"}, "coupon"),
        ("invoiceitems", {"price": "none"}, "price"),
        ("customers", {"coupon": "none"}, "coupon"),
        (
            "subscription_schedules",
            {"phases[0][items][0][price]": "PRICE", "phases[0][iterations]": "x"},
            "phases[0][iterations]",
        ),
        (
            "subscription_schedules",
            {"phases[0][items][0][price]": "PRICE", "phases[0][coupon]": "none", "start_date": "now"},
            "phases[0][coupon]",
        ),
    ],
)
def test_errors_name_the_params_that_were_sent(
    acacia: Client, world: dict[str, str], path: str, form: dict[str, str], param: str
) -> None:
    own = {
        "subscriptions": {"customer": world["customer"], "items[0][price]": world["price"]},
        "invoiceitems": {"customer": world["customer"]},
        "subscription_schedules": {"customer": world["customer"]},
    }
    named = {name: world["price"] if value == "PRICE" else value for name, value in form.items()}
    assert acacia.refused(path, {**own.get(path, {}), **named})["param"] == param


def test_a_coupon_is_taken_off_again(acacia: Client, world: dict[str, str]) -> None:
    subscription = subscribed(acacia, world)
    changed = acacia.post(f"subscriptions/{subscription['id']}", {"coupon": ""})
    assert (changed["discount"], changed["discounts"]) == (None, [])


def test_iterations_are_so_many_intervals_of_the_price(acacia: Client, world: dict[str, str]) -> None:
    quarterly = {"currency": "usd", "unit_amount": "500", "product_data[name]": "Quarter"}
    price = acacia.post(
        "prices", {**quarterly, "recurring[interval]": "month", "recurring[interval_count]": "3"}
    )["id"]
    form = {
        "customer": world["customer"],
        "start_date": "1893456000",  # 2030-01-01
        "phases[0][items][0][price]": price,
        "phases[0][iterations]": "2",
        "phases[0][coupon]": world["coupon"],
    }
    [phase] = acacia.post("subscription_schedules", form)["phases"]
    assert phase["end_date"] == 1909094400  # 2030-07-01
    assert phase["coupon"] == world["coupon"]


def test_a_price_made_within_a_request_is_a_plan_too(acacia: Client, world: dict[str, str]) -> None:
    product = acacia.get(f"prices/{world['price']}")["product"]
    inline = "items[0][price_data]"
    form = {
        "customer": world["customer"],
        f"{inline}[currency]": "usd",
        f"{inline}[unit_amount]": "700",
        f"{inline}[recurring][interval]": "month",
        f"{inline}[product]": product,
        "expand[0]": "plan.product",
        "expand[1]": "latest_invoice",
    }
    made = acacia.post("subscriptions", form)
    assert made["plan"]["product"]["id"] == product
    assert made["latest_invoice"]["lines"]["data"][0]["plan"]["amount"] == 700
    assert [plan["id"] for plan in acacia.get("plans")["data"]] == [world["price"]]


def test_an_item_has_its_unit_amount(acacia: Client, world: dict[str, str]) -> None:
    form = {"customer": world["customer"], "currency": "usd", "unit_amount": "700", "quantity": "2"}
    item = acacia.post("invoiceitems", form)
    assert (item["amount"], item["unit_amount"], item["unit_amount_decimal"]) == (1400, 700, "700")
    assert (item["price"], item["subscription"], item["subscription_item"]) == (None, None, None)
    once = acacia.post("prices", {"currency": "usd", "unit_amount": "900", "product_data[name]": "Once"})
    priced = acacia.post("invoiceitems", {"customer": world["customer"], "price": once["id"]})
    assert (priced["price"]["id"], priced["plan"], priced["unit_amount"]) == (once["id"], None, 900)


def test_pending_items_go_into_a_new_invoice(floor: Client, world: dict[str, str]) -> None:
    error = floor.refused("invoices", {"customer": world["customer"]})
    assert error["code"] == "invoice_no_customer_line_items"
    floor.post("invoiceitems", {"customer": world["customer"], "amount": "300", "currency": "usd"})
    assert floor.post("invoices", {"customer": world["customer"]})["total"] == 300
    exclude = {"customer": world["customer"], "pending_invoice_items_behavior": "exclude"}
    assert floor.post("invoices", exclude)["total"] == 0


def test_usage_records_are_events_of_a_meter(acacia: Client, world: dict[str, str]) -> None:
    metered = {"recurring[usage_type]": "metered", "recurring[aggregate_usage]": "sum"}
    price = {"currency": "usd", "unit_amount": "10", "recurring[interval]": "month", **metered}
    made = acacia.post("prices", {**price, "product_data[name]": "Calls"})
    assert made["recurring"]["aggregate_usage"] == "sum" and made["recurring"]["meter"].startswith("mtr_")
    form = {"customer": world["customer"], "items[0][price]": made["id"]}
    subscription = acacia.post("subscriptions", form)
    [item] = subscription["items"]["data"]
    path = f"subscription_items/{item['id']}"
    record = acacia.post(f"{path}/usage_records", {"quantity": "5", "timestamp": "now"})
    assert (record["object"], record["quantity"], record["subscription_item"]) == (
        "usage_record",
        5,
        item["id"],
    )
    acacia.post(f"{path}/usage_records", {"quantity": "2", "action": "increment"})
    [summary] = acacia.get(f"{path}/usage_record_summaries")["data"]
    assert (summary["total_usage"], summary["invoice"]) == (7, None)
    assert isinstance(summary["total_usage"], int)
    assert summary["period"] == {
        "start": subscription["current_period_start"],
        "end": subscription["current_period_end"],
    }
    assert acacia.get("invoices/upcoming", {"subscription": subscription["id"]})["total"] == 70
    assert acacia.refused(f"{path}/usage_records", {"quantity": "2", "action": "set"})["param"] == "action"
    licensed = subscribed(acacia, world)["items"]["data"][0]["id"]
    assert acacia.get(f"subscription_items/{licensed}/usage_record_summaries")["data"] == []
    assert (
        "not metered"
        in acacia.refused(f"subscription_items/{licensed}/usage_records", {"quantity": "1"})["message"]
    )
    acacia.post("subscriptions", form)  # a second item of the customer with the same meter
    assert "each of them would bill" in acacia.refused(f"{path}/usage_records", {"quantity": "1"})["message"]
    refused = acacia.refused("prices", {**price, "recurring[aggregate_usage]": "max", "product": "none"})
    assert refused["param"] == "recurring[aggregate_usage]"


def test_lists_count_their_entries(acacia: Client, world: dict[str, str]) -> None:
    acacia.post("customers", {"name": "Ben"})
    for query in ({"include[]": "total_count"}, {"expand[]": "total_count"}):
        listed = acacia.get("customers", {**query, "limit": "1"})
        assert (listed["total_count"], len(listed["data"])) == (2, 1)
    assert acacia.api.get("/v1/customers", {"expand[]": "total_count"}).status == 400


def test_a_promotion_code_shows_its_whole_coupon(api: Api, world: dict[str, str]) -> None:
    basil = Client(api, BASIL)
    code = basil.post("promotion_codes", {"coupon": world["coupon"], "code": "SPRING"})
    assert (code["coupon"]["id"], code["coupon"]["percent_off"]) == (world["coupon"], 10)
    subscription = basil.post(
        "subscriptions",
        {
            "customer": world["customer"],
            "items[0][price]": world["price"],
            "discounts[0][promotion_code]": code["id"],
            "expand[0]": "discounts",
        },
    )
    assert subscription["discounts"][0]["coupon"]["id"] == world["coupon"]
    assert "current_period_end" not in subscription  # that went with basil


def test_an_anchor_was_a_text(api: Api, world: dict[str, str]) -> None:
    dahlia = Client(api, "2026-08-26.dahlia")
    form = {"customer": world["customer"], "items[0][price]": world["price"]}
    subscription = dahlia.post("subscriptions", form)
    changed = dahlia.post(f"subscriptions/{subscription['id']}", {"billing_cycle_anchor": "now"})
    assert changed["billing_cycle_anchor"] >= subscription["billing_cycle_anchor"]
    refused = dahlia.refused(f"subscriptions/{subscription['id']}", {"billing_cycle_anchor": "later"})
    assert refused["param"] == "billing_cycle_anchor"


def test_features_of_products_had_another_name(floor: Client) -> None:
    made = floor.post("products", {"name": "Gold", "features[0][name]": "Fast"})
    assert made["features"] == made["marketing_features"] == [{"name": "Fast"}]


def test_an_old_request_that_is_sent_again_gets_the_old_answer(acacia: Client, world: dict[str, str]) -> None:
    form = {"customer": world["customer"], "items[0][price]": world["price"], "coupon": world["coupon"]}
    first, again = (
        acacia.api.post("/v1/subscriptions", form, Stripe_Version=ACACIA, Idempotency_Key="once")
        for _ in range(2)
    )
    assert first == again and again.headers["Idempotent-Replayed"] == "true"
    assert again["current_period_end"] == first["items"]["data"][0]["current_period_end"]


def test_a_param_of_an_older_version_names_what_took_its_place(api: Api) -> None:
    sent = {"amount": "500", "currency": "eur", "payment_method_types[]": "card"}
    error = api.post("/v1/payment_intents", sent)["error"]
    assert (error["code"], error["param"]) == ("parameter_unknown", "payment_method_types")
    assert error["message"] == (
        "Received unknown parameter: payment_method_types."
        " Since 2026-09-30.endive it is allowed_payment_method_types."
    )
    other = api.post("/v1/payment_intents", {"amount": "500", "currency": "eur", "colour": "red"})["error"]
    assert other["message"] == "Received unknown parameter: colour"
