"""2022-08-01: an invoice takes pending items only where asked; checkout sells prices, not texts."""

from typing import Any

from billow.api.versions.change import Change, Needs, One, Renamed, Sent, Several, View, copied
from billow.core.errors import Refused

CHANGE = Change("2022-08-01")
BEHAVIOR, REQUIRED = "pending_invoice_items_behavior", "include_and_require"


@CHANGE.reads("POST /v1/invoices")
def pending_items_by_default(sent: Sent) -> Needs:
    """Take pending items into a new invoice where nothing is said of them; refuse where there are none."""
    if "subscription" in sent and BEHAVIOR not in sent:
        return  # the pending items of its subscription are taken in every version
    if sent.get(BEHAVIOR, REQUIRED) != REQUIRED:
        return
    customer = yield One("customer", str(sent.get("customer", "")))
    if customer is None:
        return  # it is refused where there is none
    items = yield Several("invoiceitem", "customer", customer.id)
    if not any(item.invoice is None for item in items):
        raise Refused("Nothing to invoice for customer", code="invoice_no_customer_line_items")
    sent[BEHAVIOR] = "include"


@CHANGE.reads("POST /v1/checkout/sessions")
def sold_by_name(sent: Sent) -> Renamed:
    """Take lines by name and amount, plans in `subscription_data[items]`, and a customer always created."""
    named: dict[str, str] = {}
    lines = sent.get("line_items")
    for place, line in enumerate(lines if isinstance(lines, list) else ()):
        if isinstance(line, dict) and "amount" in line:
            named |= _priced(line, f"line_items[{place}]")
    data = sent.get("subscription_data")
    if isinstance(data, dict):
        if isinstance(items := data.pop("items", None), list):
            sent["line_items"] = [_line(item) for item in items]
            sent.setdefault("mode", "subscription")
        if "coupon" in data:
            sent["discounts"] = [{"coupon": data.pop("coupon")}]
            named["discounts[0][coupon]"] = "subscription_data[coupon]"
    if isinstance(rates := sent.pop("shipping_rates", None), list):
        sent["shipping_options"] = [{"shipping_rate": rate} for rate in rates]
    if sent.get("mode") == "payment" and not sent.get("customer"):
        sent.setdefault("customer_creation", "always")
    return named


def _priced(line: dict[str, Any], at: str) -> dict[str, str]:
    """Replace the name and amount of a line by a price that is created for it."""
    product = {name: line.pop(name) for name in ("name", "description", "images") if name in line}
    data = {"unit_amount": line.pop("amount"), "product_data": product}
    if "currency" in line:
        data["currency"] = line.pop("currency")
    line["price_data"] = data
    inner = f"{at}[price_data]"
    return {f"{inner}[unit_amount]": f"{at}[amount]", f"{inner}[product_data][name]": f"{at}[name]"}


def _line(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {"price": item.get("plan"), "quantity": item.get("quantity", "1")}


@CHANGE.shows("checkout.session")
def shipping_of_session(view: View) -> None:
    """Show `shipping` and `shipping_rate`, which are `shipping_details` and in `shipping_cost` now."""
    view["shipping"] = view.get("shipping_details")
    copied(view, view["shipping_cost"], "shipping_rate")
