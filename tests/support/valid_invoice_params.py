"""Valid examples of the parameters of invoices, lines and items, and what proves that they are honoured."""

import time
from collections.abc import Callable
from typing import Any

from tests.support.one_of_each import Maker, Sent
from tests.support.shown_params import agrees

Key = tuple[str, str]
INV, ONE, ITEMS, ITEM = "/v1/invoices", "/v1/invoices/{id}", "/v1/invoiceitems", "/v1/invoiceitems/{id}"
LINE = f"{ONE}/lines/{{line_item}}"
SOON = int(time.time()) + 20 * 86400
PERIOD = {"start": "1735689600", "end": "1738368000"}
DETAILS = {
    "address": {"line1": "Storgatan 1", "city": "Lund", "postal_code": "22222", "country": "SE"},
    "name": "Ann",
    "phone": "+46 8 123",
}
DESCRIBED = {
    "shipping_rate_data": {
        "display_name": "Post",
        "type": "fixed_amount",
        "fixed_amount": {"amount": "900", "currency": "usd", "currency_options": {"eur": {"amount": "8"}}},
        "delivery_estimate": {
            "maximum": {"unit": "week", "value": "2"},
            "minimum": {"unit": "day", "value": "1"},
        },
        "metadata": {"a": "1"},
        "tax_behavior": "exclusive",
        "tax_code": "txcd_92010001",
    }
}
TAX = {
    "amount": "5",
    "taxable_amount": "100",
    "taxability_reason": "standard_rated",
    "tax_rate_data": {
        "country": "US",
        "description": "State",
        "display_name": "Sales tax",
        "inclusive": "false",
        "jurisdiction": "NY",
        "jurisdiction_level": "state",
        "percentage": "5",
        "state": "NY",
        "tax_type": "sales_tax",
    },
}
SENDS = {"collection_method": "send_invoice"}
DUE: Sent = {**SENDS, "days_until_due": "5"}


def account(case: Any) -> str:
    return str(case.maker.existing("account"))


def once(maker: Maker) -> str:
    return str(maker.make("price", recurring=None)["id"])


def data_of(maker: Maker) -> Sent:
    """A price that is made for the item: of a new product where that can be said."""
    return {
        "currency": "usd",
        "product": maker.existing("product"),
        "tax_behavior": "inclusive",
        "unit_amount_decimal": "2.5",
    }


def new_product(maker: Maker) -> Sent:
    described = {
        "description": "A rope",
        "images": ["https://a.example/rope.png"],
        "metadata": {"a": "1"},
        "name": "Rope",
        "tax_code": "txcd_10000000",
        "tax_details": {"tax_code": "txcd_10000000"},
        "unit_label": "m",
    }
    return {**{k: v for k, v in data_of(maker).items() if k != "product"}, "product_data": described}


def every_line(case: Any) -> list[Sent]:
    """New lines that say everything which can be said of one."""
    maker = case.maker
    return [
        {
            "amount": "100",
            "description": "Work",
            "metadata": {"a": "1"},
            "period": PERIOD,
            "tax_amounts": [TAX],
        },
        {
            "pricing": {"price": once(maker)},
            "quantity": "2",
            "discounts": [{"coupon": maker.existing("coupon")}],
        },
        {"price_data": new_product(maker), "quantity_decimal": "1.5", "discountable": "false"},
        {"invoice_item": maker.make("invoiceitem")["id"]},
    ]


def lines_of(case: Any, path: str) -> list[dict[str, Any]]:
    return list(case.api.get(path.rsplit("/", 1)[0] + "/lines", {"limit": "100"})["data"])


def changed_lines(case: Any) -> list[Sent]:
    first = lines_of(case, case.path)[0]["id"]
    said = {name: value for name, value in every_line(case)[0].items()}
    return [{"id": first, **said, "amount": "150", "discountable": "false"}]


def removed_lines(case: Any) -> list[Sent]:
    return [{"id": lines_of(case, case.path)[0]["id"], "behavior": "unassign"}]


def own_source(case: Any) -> str:
    found = case.api.get(f"/v1/customers/{case.maker.existing('customer')}/payment_methods")["data"]
    return str(found[0]["id"])


def open_invoice(case: Any) -> str:
    return opened(case.maker)


def opened(maker: Maker) -> str:
    draft = open_draft(maker)
    maker.request(f"/v1/invoices/{draft}/finalize", {})
    return draft


def reported(case: Any) -> str:
    """A payment that was made elsewhere, and of which the money is there."""
    sent = {
        "amount_requested[currency]": "usd",
        "amount_requested[value]": "60",
        "initiated_at": "1735689600",
        "outcome": "guaranteed",
        "guaranteed[guaranteed_at]": "1735689600",
        "payment_method_details[type]": "custom",
    }
    return str(case.maker.request("/v1/payment_records/report_payment", sent)["id"])


def charged(case: Any) -> str:
    """A payment of the customer's that has succeeded without an invoice."""
    card = own_source(case)
    more = {"amount": "60", "currency": "usd", "customer": case.maker.existing("customer")}
    sent = {**more, "payment_method": card, "confirm": "true"}
    return str(case.maker.request("/v1/payment_intents", sent)["id"])


def other_card(case: Any) -> str:
    """A second card of the customer, which is not the default."""
    path = "/v1/payment_methods/pm_card_mastercard/attach"
    return str(case.maker.request(path, {"customer": case.maker.existing("customer")})["id"])


PAID_WITH = {
    "payment_method_options": {"card": {"request_three_d_secure": "any"}},
    "payment_method_types": ["card", "customer_balance"],
}
OF_BOTH: dict[str, Any] = {
    "account_tax_ids": lambda case: [case.maker.make("tax_id")["id"]],
    "automatically_finalizes_at": str(SOON),
    "automatic_tax": {"enabled": "false"},
    "custom_fields": [{"name": "PO", "value": "7"}],
    "default_source": own_source,
    "discounts": lambda case: [{"coupon": case.maker.existing("coupon")}],
    "effective_at": str(SOON),
    "issuer": {"type": "self"},
    "on_behalf_of": account,
    "payment_settings": PAID_WITH,
    "rendering": {"amount_tax_display": "exclude_tax", "pdf": {"page_size": "letter"}},
    "shipping_cost": DESCRIBED,
    "shipping_details": DETAILS,
    "statement_descriptor": "ACME CLOUD",
    "transfer_data": lambda case: {"amount": "20", "destination": account(case)},
    "application_fee_amount": "7",
    "default_payment_method": own_source,
}
LINE_VALUES: dict[str, Any] = {
    "amount": "700",
    "discountable": "false",
    "discounts": lambda case: [{"coupon": case.maker.existing("coupon")}],
    "period": PERIOD,
    "pricing": lambda case: {"price": once(case.maker)},
    "quantity": "3",
    "quantity_decimal": "2.5",
}
VALUES: dict[Key, Any] = {
    (INV, "from_invoice"): lambda case: {"action": "revision", "invoice": open_invoice(case)},
    **{(path, name): value for path in (INV, ONE) for name, value in OF_BOTH.items()},
    **{(path, name): value for path in (ITEMS, ITEM, LINE) for name, value in LINE_VALUES.items()},
    **{(path, "price_data"): lambda case: data_of(case.maker) for path in (ITEMS, ITEM)},
    (INV, "currency"): "chf",
    (INV, "number"): "MINE-1",
    (ONE, "number"): "MINE-2",
    (ONE, "auto_advance"): "true",
    (ONE, "collection_method"): "send_invoice",
    (f"{ONE}/pay", "mandate"): "mandate_none",
    (f"{ONE}/pay", "payment_method"): lambda case: other_card(case),
    (f"{ONE}/pay", "source"): lambda case: other_card(case),
    (ITEMS, "currency"): "chf",
    (ITEMS, "tax_code"): "txcd_10000000",
    (ITEM, "tax_code"): "txcd_10000000",
    (ITEMS, "unit_amount_decimal"): "2.5",
    (ITEM, "unit_amount_decimal"): "2.5",
    (LINE, "price_data"): lambda case: new_product(case.maker),
    (LINE, "tax_amounts"): [TAX],
    (f"{ONE}/add_lines", "lines"): every_line,
    (f"{ONE}/attach_payment", "payment_intent"): charged,
    (f"{ONE}/attach_payment", "payment_record"): reported,
    (f"{ONE}/remove_lines", "lines"): removed_lines,
    (f"{ONE}/update_lines", "lines"): changed_lines,
}
WITH: dict[Key, dict[str, Any]] = {
    (INV, "application_fee_amount"): {
        "transfer_data": lambda maker: {"destination": maker.existing("account")}
    },
    (INV, "collection_method"): {"days_until_due": "5"},
    (INV, "currency"): {"customer": "{new customer}", "pending_invoice_items_behavior": None},
    (INV, "days_until_due"): SENDS,
    (INV, "due_date"): SENDS,
    (INV, "from_invoice"): {"pending_invoice_items_behavior": None},
    (INV, "subscription"): {"pending_invoice_items_behavior": None},
    (ONE, "application_fee_amount"): {
        "transfer_data": lambda maker: {"destination": maker.existing("account")}
    },
    (ONE, "collection_method"): {"days_until_due": "5"},
    (ONE, "days_until_due"): SENDS,
    (ONE, "due_date"): SENDS,
    (ITEMS, "currency"): {"customer": "{new customer}"},
    (ITEMS, "price_data"): {"amount": None},
    (ITEMS, "pricing"): {"amount": None},
    (ITEMS, "quantity"): {"amount": None, "unit_amount_decimal": "3"},
    (ITEMS, "quantity_decimal"): {"amount": None, "unit_amount_decimal": "3"},
    (ITEMS, "unit_amount_decimal"): {"amount": None},
}
MADE_WITH: dict[Key, dict[str, Any]] = {}


def open_draft(maker: Maker) -> str:
    """A draft with a line."""
    draft = str(maker.make("invoice")["id"])
    maker.make("invoiceitem", invoice=draft)
    return draft


def line_path(maker: Maker) -> str:
    draft = open_draft(maker)
    line = maker.api.get(f"/v1/invoices/{draft}/lines")["data"][0]["id"]
    return f"/v1/invoices/{draft}/lines/{line}"


def of_draft(tail: str, **sent: str) -> Callable[[Maker], tuple[str, Sent]]:
    def begun(maker: Maker) -> tuple[str, Sent]:
        draft = open_draft(maker)
        line = maker.api.get(f"/v1/invoices/{draft}/lines")["data"][0]["id"]
        return f"/v1/invoices/{draft}/{tail}", {name: value or line for name, value in sent.items()}

    return begun


ELSEWHERE: dict[str, Callable[[Maker], tuple[str, Sent]]] = {
    LINE: lambda maker: (line_path(maker), {}),
    f"{ONE}/add_lines": of_draft("add_lines", **{"lines[0][amount]": "300"}),
    f"{ONE}/attach_payment": lambda maker: (f"/v1/invoices/{opened(maker)}/attach_payment", {}),
    f"{ONE}/finalize": of_draft("finalize"),
    f"{ONE}/pay": of_draft("pay"),
    f"{ONE}/remove_lines": of_draft("remove_lines", **{"lines[0][id]": "", "lines[0][behavior]": "delete"}),
    f"{ONE}/update_lines": of_draft("update_lines", **{"lines[0][id]": ""}),
}

# ------------------------------------------------------------------------------------- what proves it


def finalized(case: Any) -> Any:
    """The payment intent of the invoice, once it is finalized."""
    invoice = case.done()["id"]
    case.maker.make("invoiceitem", invoice=invoice)
    case.maker.request(f"/v1/invoices/{invoice}/finalize", {})
    [payment] = case.api.get("/v1/invoice_payments", {"invoice": invoice})["data"]
    return case.api.get(f"/v1/payment_intents/{payment['payment']['payment_intent']}")


def fee_asked(case: Any) -> bool:
    return bool(finalized(case)["application_fee_amount"] == 7)


def share_asked(case: Any) -> bool:
    return bool(finalized(case)["transfer_data"] == {"amount": 20, "destination": account(case)})


def shipped(case: Any) -> bool:
    """The rate that is described exists, and costs what it says."""
    invoice = case.done()
    rate = case.api.get(f"/v1/shipping_rates/{invoice['shipping_cost']['shipping_rate']}", EXPANDED)
    return invoice["amount_shipping"] == 900 and agrees(DESCRIBED["shipping_rate_data"], rate)


EXPANDED = {"expand[]": "fixed_amount.currency_options"}


def taken_off(case: Any) -> bool:
    answer = case.done()
    return len(answer["discounts"]) == 1


def due_in(case: Any) -> bool:
    invoice = case.done()
    days = (invoice["due_date"] - invoice["created"]) / 86400
    return bool(days == int(case.value))


def issued_by_itself(case: Any) -> bool:
    answer = case.maker.send(case.path, {**case.base, "issuer[type]": "account", "issuer[account]": "acct_1"})
    return answer.status == 400 and bool(case.done()["issuer"]["type"] == "self")


def untaxed(case: Any) -> bool:
    answer = case.maker.send(case.path, {**case.base, f"{case.name}[enabled]": "true"})
    return answer.status == 400 and agrees(case.value, case.done()[case.name])


def priced(case: Any) -> bool:
    """The price that is made for an item says what the request said."""
    answer = case.done()
    price = case.api.get(f"/v1/prices/{answer['pricing']['price_details']['price']}")
    product = case.api.get(f"/v1/products/{price['product']}")
    wanted = {name: value for name, value in case.value.items() if name != "product_data"}
    described = case.value.get("product_data")
    return agrees(wanted, price) and (not described or agrees(described, product))


def billed(case: Any) -> bool:
    """An invoice of a subscription bills what waits of it."""
    subscription = case.value
    held = case.api.get(f"/v1/subscriptions/{subscription}")["customer"]
    case.maker.make("invoiceitem", subscription=subscription, customer=held)
    shown = case.done()
    told = shown["parent"]["subscription_details"]["subscription"]
    return bool(told == subscription and len(shown["lines"]["data"]) == 1)


def waited(case: Any) -> bool:
    """With `include`, what is pending is billed; otherwise it goes on waiting."""
    case.maker.make("invoiceitem")
    return bool(case.done()["lines"]["data"])


def added(case: Any) -> bool:
    case.done()
    work, setup, rope, _ = [one for one in lines_of(case, case.path) if one["amount"] != 300][-4:]
    [tax] = work["taxes"]
    rate = case.api.get(f"/v1/tax_rates/{tax['tax_rate_details']['tax_rate']}")
    given = {name: TAX[name] for name in ("amount", "taxable_amount", "taxability_reason")}
    return (
        agrees({**{k: case.value[0][k] for k in ("amount", "description", "metadata", "period")}}, work)
        and agrees(given, tax)
        and agrees(TAX["tax_rate_data"], rate)
        and (setup["quantity"], len(setup["discounts"])) == (2, 1)
        and (rope["quantity_decimal"], rope["discountable"]) == ("1.5", False)
    )


def changed(case: Any) -> bool:
    case.done()
    line = lines_of(case, case.path)[0]
    said = {k: case.value[0][k] for k in ("amount", "description", "metadata", "period", "discountable")}
    return agrees(said, line) and line["taxes"][0]["amount"] == 5


def removed(case: Any) -> bool:
    line = lines_of(case, case.path)[0]
    case.done()
    item = line["parent"]["invoice_item_details"]["invoice_item"]
    return not lines_of(case, case.path) and case.api.get(f"/v1/invoiceitems/{item}")["invoice"] is None


def of_invoice(case: Any) -> bool:
    return agrees(case.value, case.done()["metadata"])


def line_taxed(case: Any) -> bool:
    [tax] = case.done()["taxes"]
    return bool(tax["amount"] == 5)


def rated(case: Any) -> bool:
    [tax] = case.done()["taxes"]
    return [tax["tax_rate_details"]["tax_rate"]] == case.value


def tax_known(case: Any) -> bool:
    """How automatic tax sees an item is for the calculation to say: what is not known is refused."""
    bad = case.maker.send(case.path, {**case.base, case.name: "nothing"})
    return (bad.status, case.done().status) == (400, 200)


def paid_outside(case: Any) -> bool:
    return bool(case.done()["amount_paid_off_stripe"] > 0)


def paid_by(case: Any) -> bool:
    charge = case.api.get("/v1/charges", {"limit": "1", "customer": case.done()["customer"]})["data"][0]
    return bool(charge["payment_method"] == case.value)


def looked_up(case: Any) -> bool:
    """A mandate that there is not is refused; what one does is in tests/flows/payments/test_pay_params.py."""
    answer = case.maker.send(case.path, {**case.base, "mandate": case.value})
    return bool(answer["error"]["param"] == "mandate")


def attached(case: Any) -> bool:
    invoice = case.done()
    payments = case.api.get("/v1/invoice_payments", {"invoice": invoice["id"], "status": "paid"})["data"]
    told = [payment["payment"][case.name] for payment in payments]
    return invoice["amount_paid"] == 60 and told == [case.value]


def advances(case: Any) -> bool:
    return case.done()["auto_advance"] is (case.value == "true")


def present(case: Any) -> bool:
    """A charge without its customer declines where authentication is needed; with them it waits for it."""
    return case.done().status == 200


RULES: dict[Key, Callable[[Any], bool]] = {
    **{(path, "application_fee_amount"): fee_asked for path in (INV, ONE)},
    **{(path, "automatic_tax"): untaxed for path in (INV, ONE)},
    **{(path, "days_until_due"): due_in for path in (INV, ONE)},
    **{(path, "discounts"): taken_off for path in (INV, ONE, ITEMS, ITEM, LINE)},
    **{(path, "issuer"): issued_by_itself for path in (INV, ONE)},
    **{(path, "price_data"): priced for path in (ITEMS, ITEM, LINE)},
    **{(path, "shipping_cost"): shipped for path in (INV, ONE)},
    **{(path, "tax_behavior"): tax_known for path in (ITEMS, ITEM)},
    **{(path, "tax_code"): tax_known for path in (ITEMS, ITEM)},
    **{(path, "transfer_data"): share_asked for path in (INV, ONE)},
    **{
        (path, "pricing"): lambda case: (
            case.done()["pricing"]["price_details"]["price"] == case.value["price"]
        )
        for path in (ITEMS, ITEM, LINE)
    },
    **{(path, "unit_amount_decimal"): lambda case: case.done()["amount"] == 3 for path in (ITEMS, ITEM)},
    (INV, "pending_invoice_items_behavior"): waited,
    (INV, "subscription"): billed,
    (ITEMS, "subscription"): lambda case: (
        case.done()["parent"]["subscription_details"]["subscription"] == case.value
    ),
    (ITEM, "invoicing_rules"): lambda case: (
        case.maker.send(case.path, {"invoicing_rules": "defer"}).status == 400
        and case.maker.send(case.path, {"invoicing_rules": ""}).status == 200
    ),
    (LINE, "tax_amounts"): line_taxed,
    (LINE, "tax_rates"): rated,
    (f"{ONE}/add_lines", "lines"): added,
    (f"{ONE}/attach_payment", "payment_intent"): attached,
    (f"{ONE}/attach_payment", "payment_record"): attached,
    (f"{ONE}/finalize", "auto_advance"): advances,
    (f"{ONE}/pay", "off_session"): present,
    (f"{ONE}/pay", "paid_out_of_band"): paid_outside,
    (f"{ONE}/pay", "mandate"): looked_up,
    (f"{ONE}/pay", "payment_method"): paid_by,
    (f"{ONE}/pay", "source"): paid_by,
    (f"{ONE}/remove_lines", "lines"): removed,
    (f"{ONE}/update_lines", "lines"): changed,
    **{(f"{ONE}/{verb}_lines", "invoice_metadata"): of_invoice for verb in ("add", "remove", "update")},
}
