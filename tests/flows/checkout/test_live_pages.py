"""Does no page take a card number where only a real gateway could charge it?"""

from typing import Any

from billow.pages import frame
from tests.conftest import new_caller
from tests.support.page_visits import PAYER, Visitor


def test_no_live_page_has_a_card_form_or_takes_a_number(app: Any) -> None:
    live = new_caller(app, "live")
    sent = {
        "mode": "payment",
        "success_url": "https://shop.example",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "1200",
        "line_items[0][price_data][product_data][name]": "Book",
        "line_items[0][quantity]": "1",
    }
    made = live.post("/v1/checkout/sessions", sent)
    assert made.status == 200, made
    assert made["id"].startswith("cs_live_")
    visitor = Visitor(app).opens(made["url"])
    assert "Payments cannot be taken at the moment" in visitor.words() and "<form" not in visitor.text
    address = visitor.address
    token = frame.token_of(app.db.outside, address)
    answer = app.wsgi.test_client().post(address, data={**PAYER, "token": token, "action": "pay"})
    assert answer.status_code == 200
    assert live.get(f"/v1/checkout/sessions/{made['id']}")["status"] == "open"
    assert live.get("/v1/payment_methods", {"type": "card"}).get("data", []) == []
