"""Let things happen to the customers of Nimbus: changes, failures, disputes, refunds and goodbyes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from billow.demonstration.calendar_year import Year
from billow.demonstration.client import Client, Json
from billow.demonstration.company import BY_NAME, COMPANIES, Nimbus, give_card, joining, subscribe

Act = Callable[[Client, Nimbus, str], object]
"""What happens to the customer of a name."""
GOOD, BAD = "pm_card_mastercard", "pm_card_chargeCustomerFail"
DISPUTES = "pm_card_createDispute"


@dataclass(frozen=True, slots=True)
class Story:
    at: datetime
    name: str
    act: Act


def stories_of(year: Year) -> list[Story]:
    """Return what happens in a year and when, in order of time; who never came has no stories."""
    joined = {company.name: joining(company, year) for company in COMPANIES}
    near = year.end - timedelta(days=4)
    told = [
        *(Story(at, name, join) for name, at in joined.items()),
        Story(year.day(0, 20), "Acme Robotics", supported),
        Story(year.day(1, 15), "Acme Robotics", servers(9)),
        Story(year.day(2, 10), "Blue Harbor", credited(2500)),
        Story(year.day(2, 25), "Kite Travel", card(BAD)),
        Story(year.day(3, 6), "Kite Travel", card(GOOD)),
        Story(year.day(3, 12), "Helio Energy", halved),
        Story(year.day(4, 15), "Delta Freight", servers(1)),
        Story(year.day(5, 10), "Iris Health", leaves),
        Story(year.day(5, 12), "Acme Robotics", granted(15000)),
        Story(year.day(5, 21), "Ember Games", refunded(1500)),
        Story(year.day(6, 4), "Opal Events", card(BAD)),
        Story(year.day(7, 15), "Ember Games", servers(14)),
        Story(year.day(8, 5), "Iris Health", returns),
        Story(year.day(8, 20), "Pine Studio", leaves),
        Story(year.day(9, 14), "Ember Games", supported),
        *disputed(year, 5, "Quay Fashion", "winning_evidence"),
        *disputed(year, 9, "Quay Fashion", "losing_evidence"),
        *paid_by_transfer(year, "Granite Bank", but=10),
        Story(year.day(11, 2), "Helio Energy", leaves),
        Story(near, "Lumen School", card(BAD)),
        Story(near, "Marie Laurent", card(DISPUTES)),
        Story(near, "Marie Laurent", bought(1900)),
        Story(near, "Terra Foods", offered),
    ]
    happening = [story for story in told if story.at <= year.end and joined[story.name] <= story.at]
    return sorted(happening, key=lambda story: story.at)


def join(client: Client, nimbus: Nimbus, name: str) -> None:
    subscribe(client, nimbus, BY_NAME[name])


def card(card: str) -> Act:
    return lambda client, nimbus, name: give_card(client, nimbus.customers[name], card)


def servers(quantity: int) -> Act:
    """Change how many servers a company has, from now on, with the proration of the rest of the month."""

    def act(client: Client, nimbus: Nimbus, name: str) -> None:
        subscription = client.get(f"/v1/subscriptions/{nimbus.subscriptions[name]}")
        small = nimbus.prices["Small server"]
        [item] = [item for item in subscription["items"]["data"] if item["price"]["id"] == small]
        client.post(f"/v1/subscription_items/{item['id']}", quantity=quantity)

    return act


def subscribed(client: Client, nimbus: Nimbus, name: str, product: str) -> str:
    made = client.post(
        "/v1/subscriptions",
        customer=nimbus.customers[name],
        currency=BY_NAME[name].currency,
        automatic_tax={"enabled": True},
        items=[{"price": nimbus.prices[product]}],
    )
    return str(made["id"])


def supported(client: Client, nimbus: Nimbus, name: str) -> None:
    """Sell a year of support, paid in advance."""
    subscribed(client, nimbus, name, "Support, a year")


def leaves(client: Client, nimbus: Nimbus, name: str) -> None:
    """Cancel at the end of the period."""
    client.post(
        f"/v1/subscriptions/{nimbus.subscriptions[name]}",
        cancel_at_period_end=True,
        cancellation_details={"feedback": "too_expensive"},
    )


def returns(client: Client, nimbus: Nimbus, name: str) -> None:
    """Subscribe again, to a workspace."""
    nimbus.subscriptions[name] = subscribed(client, nimbus, name, "Team workspace")


def halved(client: Client, nimbus: Nimbus, name: str) -> None:
    """Give half a year at half the price."""
    coupon = client.post(
        "/v1/coupons", name="Half a year at half", percent_off=50, duration="repeating", duration_in_months=6
    )["id"]
    client.post(f"/v1/subscriptions/{nimbus.subscriptions[name]}", discounts=[{"coupon": coupon}])


def latest(client: Client, customer: str, status: str) -> Json | None:
    found = client.get("/v1/invoices", customer=customer, status=status, limit=1)["data"]
    return found[0] if found else None


def credited(amount: int) -> Act:
    """Credit a part of the last invoice, and give the money back."""

    def act(client: Client, nimbus: Nimbus, name: str) -> None:
        if invoice := latest(client, nimbus.customers[name], "paid"):
            client.post(
                "/v1/credit_notes",
                invoice=invoice["id"],
                lines=[
                    {
                        "type": "invoice_line_item",
                        "invoice_line_item": invoice["lines"]["data"][0]["id"],
                        "amount": amount,
                    }
                ],
                refund_amount=amount,
                reason="order_change",
                memo="An outage of two hours",
            )

    return act


def refunded(amount: int) -> Act:
    """Give back a part of the last charge."""

    def act(client: Client, nimbus: Nimbus, name: str) -> None:
        [charge] = client.get("/v1/charges", customer=nimbus.customers[name], limit=1)["data"]
        client.post("/v1/refunds", charge=charge["id"], amount=amount, reason="requested_by_customer")

    return act


def granted(amount: int) -> Act:
    """Give credit for usage, as a thank you."""
    return lambda client, nimbus, name: client.post(
        "/v1/billing/credit_grants",
        customer=nimbus.customers[name],
        name="Thank you",
        category="promotional",
        amount={"type": "monetary", "monetary": {"value": amount, "currency": "eur"}},
        applicability_config={"scope": {"price_type": "metered"}},
    )


def bought(amount: int) -> Act:
    """Bill something once, beside the subscription."""

    def act(client: Client, nimbus: Nimbus, name: str) -> None:
        customer = nimbus.customers[name]
        client.post(
            "/v1/invoiceitems",
            customer=customer,
            amount=amount,
            currency="eur",
            description="Migration by hand",
        )
        invoice = client.post(
            "/v1/invoices",
            customer=customer,
            currency="eur",
            pending_invoice_items_behavior="include",
            automatic_tax={"enabled": True},
        )["id"]
        client.post(f"/v1/invoices/{invoice}/finalize")
        client.post(f"/v1/invoices/{invoice}/pay")

    return act


def disputed(year: Year, month: int, name: str, evidence: str) -> list[Story]:
    """Pay one month by a card whose charge is disputed, and answer that with evidence."""

    def answer(client: Client, nimbus: Nimbus, name: str) -> None:
        for dispute in client.every("/v1/disputes"):
            if dispute["status"] == "needs_response":
                client.post(
                    f"/v1/disputes/{dispute['id']}", evidence={"uncategorized_text": evidence}, submit=True
                )

    return [
        Story(year.day(month, 16), name, card(DISPUTES)),
        Story(year.day(month, 20), name, card(GOOD)),
        Story(year.day(month, 25), name, answer),
    ]


def paid_by_transfer(year: Year, name: str, but: int) -> list[Story]:
    """Pay each month's invoices by transfer in the third week, and those of one month not at all."""

    def act(client: Client, nimbus: Nimbus, name: str) -> None:
        for invoice in client.get("/v1/invoices", customer=nimbus.customers[name], status="open")["data"]:
            client.post(f"/v1/invoices/{invoice['id']}/pay", paid_out_of_band=True)

    return [Story(year.day(month, 18), name, act) for month in range(len(year.months)) if month < but]


def offered(client: Client, nimbus: Nimbus, name: str) -> None:
    """Offer a year of support, with a quote that stays open."""
    quote = client.post(
        "/v1/quotes",
        customer=nimbus.customers[name],
        line_items=[{"price": nimbus.prices["Support, a year"], "quantity": 1}],
        automatic_tax={"enabled": True},
    )["id"]
    client.post(f"/v1/quotes/{quote}/finalize")
