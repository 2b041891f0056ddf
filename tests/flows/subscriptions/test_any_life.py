"""Whatever is asked of a subscription, in whatever order: no answer is a fault of ours, no timer stumbles,
and in the end everything holds together (tests/support/invariants.py)."""

import os
import random
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import Reply
from tests.flows.conftest import Worlds
from tests.support.world import Subscription, World, flat, moment

LIVES = int(os.environ.get("BILLOW_LIVES", "12"))
FIRST = int(os.environ.get("BILLOW_FIRST_LIFE", "1"))
STEPS = 14
BEGAN = moment("2025-01-31 09:30")
DAY = 86400
BEHAVIORS = ["create_prorations", "always_invoice", "none"]
PAYING = ["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"]


SHOWN = {
    *("items", "billing_cycle_anchor", "cancel_at", "cancel_at_period_end", "payment_behavior"),
    *("billing_schedules", "proration_behavior", "proration_date", "trial_end"),
}
NAMES = ("Free", "P9.99", "P30", "P359.97", "Quarterly", "Yearly", "Weekly", "Calls", "Stairs")


class Life:
    """A customer with a subscription, and chance, which decides what is asked."""

    def __init__(
        self, world: World, chance: random.Random, problems: Callable[[Any], list[str]] = lambda shown: []
    ) -> None:
        self.problems = problems
        self.world, self.chance, self.now = world, chance, BEGAN
        self.log: list[str] = []
        world.at(f"{BEGAN:%Y-%m-%d %H:%M}")
        self.anna = world.customer("anna")
        meter = world.meter("calls")
        self.prices = [world.plan(f"P{n}", usd=usd) for n, usd in enumerate([0, 9.99, 30, 359.97])]
        self.prices += [world.plan("Quarterly", every="month", count=3, usd=75)]
        self.prices += [
            world.plan("Yearly", every="year", usd=290),
            world.plan("Weekly", every="week", usd=7),
        ]
        self.prices += [world.metered("Calls", meter, cents="10")]
        self.prices += [world.metered("Stairs", meter, tiers=[(10, 0), ("inf", "7.5", 100)])]
        self.once = world.once("Setup", usd=50)
        self.coupons = [
            world.coupon(percent_off=35, duration="forever"),
            world.coupon(amount_off=500, duration="once"),
            world.coupon(amount_off=300, duration="repeating", duration_in_months=2),
        ]
        self.offer = world.post(
            "/v1/product_catalog/trial_offers",
            price=world.plan("First", every="day", count=7, usd=chance.choice([0, 1])),
            duration={"type": "relative", "relative": {"iterations": chance.choice([1, 3])}},
            end_behavior={"type": "transition", "transition": {"price": self.prices[2]}},
        )["id"]
        self.rates = [world.tax(20), world.tax(7.7, inclusive=True)]
        mode = chance.choice(["flexible", "flexible", "flexible", "classic"])
        order = self.order(mode)
        made = self.ask("POST", "/v1/subscriptions", customer=self.anna.id, **order)
        if made.status != 200:
            # What is billed in advance goes with few coupons, and with no trial; offers go with neither.
            order.pop("billing_schedules", None)
            order["items"] = [
                item if "price" in item else {"price": self.prices[2]} for item in order["items"]
            ]
            made = self.ask("POST", "/v1/subscriptions", customer=self.anna.id, **order)
        assert made.status == 200, self.told()
        self.plan = Subscription(world, made["id"])

    # ------------------------------------------------------------------------- asking

    def ask(self, method: str, path: str, **form: Any) -> Reply:
        """Ours is no fault: what cannot be is refused."""
        self.log.append(f"{self.now:%Y-%m-%d %H:%M:%S} {method} {path} {form}")
        send = {"POST": self.world.api.post, "DELETE": self.world.api.delete}[method]
        answer: Reply = send(path, flat(form))
        self.log.append(f"    {answer.status} {answer.get('error', {}).get('message', '')}")
        assert answer.status < 500, self.told()
        wrong = self.problems(answer) if answer.status == 200 and answer.get("object") else []
        assert wrong == [], f"{wrong}\n{self.told()}"
        return answer

    def told(self) -> str:
        """All that was asked, with prices by their names."""
        text = "\n".join(self.log)
        for name, price in zip(NAMES, self.prices, strict=False):
            text = text.replace(price, name)
        return text

    def wait(self, seconds: int) -> None:
        until = self.now + timedelta(seconds=seconds)
        while self.now < until:
            self.now = min(self.now + timedelta(days=6), until)
            self.log.append(f"{self.now:%Y-%m-%d %H:%M:%S}")
            try:
                self.world.at(f"{self.now:%Y-%m-%d %H:%M:%S}")
            except AssertionError as wrong:
                raise AssertionError(f"{wrong}\n{self.told()}") from wrong

    def seconds(self, most: int) -> int:
        """An instant of the days that come, often a round one."""
        days = self.chance.randrange(1, most)
        return int(self.now.timestamp()) + days * DAY + self.chance.choice([0, 0, 1, 40_000])

    def maybe(self, **values: Any) -> dict[str, Any]:
        """Some of these, the fewer the more there are."""
        return {name: value for name, value in values.items() if self.chance.random() < 0.3}

    # ------------------------------------------------------------------------- what may be said

    def order(self, mode: str) -> dict[str, Any]:
        chance = self.chance
        prices = chance.sample(
            self.prices if mode == "flexible" else self.prices[:4], chance.choice([1, 1, 2, 3])
        )
        if self.prices[6] in prices:
            prices = [self.prices[6]]
        sends = {"collection_method": "send_invoice", "days_until_due": 14} if chance.random() < 0.1 else {}
        return {
            "items": [self.item(price) for price in prices],
            "billing_mode": {"type": mode},
            **self.terms(),
            **sends,
            **(self.ahead() if chance.random() < 0.2 else {}),
            **self.maybe(trial_period_days=10, cancel_at_period_end=True),
        }

    def item(self, price: str) -> dict[str, Any]:
        if price == self.prices[2] and self.chance.random() < 0.3:
            return {"current_trial": {"trial_offer": self.offer}}
        metered = price in self.prices[7:]
        return {"price": price, **({} if metered else {"quantity": self.chance.choice([0, 1, 1, 3])})}

    def terms(self) -> dict[str, Any]:
        return self.maybe(
            discounts=[{"coupon": coupon} for coupon in self.chance.sample(self.coupons, 2)],
            default_tax_rates=self.chance.sample(self.rates, 1),
            add_invoice_items=[{"price": self.once}],
        )

    def ahead(self) -> dict[str, Any]:
        """Billed in advance, of all items or of one, until some instant or for some months."""
        lasting = {"type": "duration", "duration": {"interval": "month", "interval_count": 3}}
        until = {"type": "timestamp", "timestamp": self.seconds(200)}
        only = [{"type": "price", "price": self.chance.choice(self.prices)}]
        one = {"bill_until": self.chance.choice([lasting, until]), **self.maybe(applies_to=only)}
        return {"billing_schedules": [one]}

    def paying(self) -> dict[str, Any]:
        chance = self.chance
        found = {"proration_behavior": chance.choice(BEHAVIORS)}
        if chance.random() < 0.4:
            found["payment_behavior"] = chance.choice(PAYING)
        return found

    # ------------------------------------------------------------------------- what may be done

    def changes_an_item(self) -> None:
        chance, items = self.chance, self.plan.now["items"]["data"]
        item = chance.choice(items)
        change: dict[str, Any] = {"id": item["id"]}
        kind = chance.randrange(4)
        if kind == 0:
            change["price"] = chance.choice(self.prices)
        if kind in (0, 1) and chance.random() < 0.7:
            change["quantity"] = chance.randrange(5)
        if kind == 2:
            change.update({"deleted": True, **self.maybe(clear_usage=True)})
        if kind == 3:
            change = self.item(chance.choice(self.prices))
        more = self.maybe(proration_date=int(self.now.timestamp()) - chance.randrange(1, 20 * DAY))
        self.updates({"items": [change], **self.paying(), **more, **self.maybe(**self.terms())})

    def changes_terms(self) -> None:
        options = [
            {"billing_cycle_anchor": {"type": "now"}},
            {"trial_end": self.seconds(40)},
            {"trial_end": "now"},
            {"cancel_at": self.seconds(80)},
            {"cancel_at": ""},
            {"cancel_at": self.chance.choice(["min_period_end", "max_period_end", "max_billed_until"])},
            self.ahead(),
            self.ahead(),
            {"billing_schedules": ""},
            {"cancel_at_period_end": self.chance.choice([True, False])},
            {"discounts": ""},
            {"default_tax_rates": ""},
            {
                "pause_collection": {
                    "behavior": self.chance.choice(["keep_as_draft", "mark_uncollectible", "void"])
                }
            },
            {"pause_collection": ""},
            {"billing_thresholds": {"amount_gte": 2000}},
            {"pending_invoice_item_interval": {"interval": "week"}},
            {"pending_invoice_item_interval": ""},
            {"collection_method": "send_invoice", "days_until_due": 10},
            {"collection_method": "charge_automatically"},
            self.terms(),
        ]
        self.updates({**self.chance.choice(options), **self.paying()})

    def updates(self, form: dict[str, Any]) -> None:
        """What is billed at once is what was shown before."""
        before, shown = self.plan.now, None
        if set(form) <= SHOWN:
            details = {name: value for name, value in form.items() if name != "payment_behavior"}
            sent = {"subscription": self.plan.id, "subscription_details": details}
            shown = self.ask("POST", "/v1/invoices/create_preview", **sent)
        answer = self.ask("POST", f"/v1/subscriptions/{self.plan.id}", **form)
        billed = answer.status == 200 and answer["latest_invoice"] != before["latest_invoice"]
        if shown and billed:
            made = self.world.get(f"/v1/invoices/{answer['latest_invoice']}")
            assert shown.status == 200, self.told()
            page = self.world.get(f"/v1/invoices/{made['id']}/lines", limit=100)
            amounts = [[line["amount"] for line in one["data"]] for one in (page, shown["lines"])]
            assert (made["total"], amounts[0]) == (shown["total"], amounts[1]), self.told()

    def pauses(self) -> None:
        bill_for = self.maybe(
            unused_time_from={"type": self.chance.choice(["now", "item_current_period_start", "none"])},
            outstanding_usage_through={"type": self.chance.choice(["now", "none"])},
        )
        more = self.maybe(invoicing_behavior="invoice")
        form = {"bill_for": bill_for} if bill_for else {}
        self.ask("POST", f"/v1/subscriptions/{self.plan.id}/pause", **form, **more)

    def resumes(self) -> None:
        more = self.maybe(
            billing_cycle_anchor={"type": "unchanged"},
            payment_behavior="resume_on_payment_success",
            proration_behavior=self.chance.choice(BEHAVIORS),
        )
        self.ask("POST", f"/v1/subscriptions/{self.plan.id}/resume", **more)

    def is_planned(self) -> None:
        now = self.plan.now
        if now["schedule"]:
            verb = self.chance.choice(["release", "release", "cancel"])
            self.ask("POST", f"/v1/subscription_schedules/{now['schedule']}/{verb}")
            return
        made = self.ask("POST", "/v1/subscription_schedules", from_subscription=self.plan.id)
        if made.status == 200:
            [first] = made["phases"]
            names = ("price", "quantity")
            items = [{name: item[name] for name in names if item.get(name)} for item in first["items"]]
            phases = [
                {"items": items, "start_date": first["start_date"], "end_date": first["end_date"]},
                {
                    "items": [self.item(self.chance.choice(self.prices[:4]))],
                    "duration": {"interval": "month"},
                    "proration_behavior": self.chance.choice(BEHAVIORS),
                    **self.maybe(**self.terms()),
                },
            ]
            end = self.chance.choice(["release", "cancel"])
            self.ask("POST", f"/v1/subscription_schedules/{made['id']}", phases=phases, end_behavior=end)

    def uses(self) -> None:
        when = self.now - timedelta(seconds=self.chance.randrange(0, 10 * DAY))
        payload = {"stripe_customer_id": self.anna.id, "value": str(self.chance.randrange(60))}
        form = {"event_name": "calls", "timestamp": int(when.timestamp()), "payload": payload}
        self.ask("POST", "/v1/billing/meter_events", **form)
        self.world.work()

    def changes_card(self) -> None:
        self.anna.pays_with(self.chance.choice(["visa", "visa", "declining", "always 3DS"]))

    def deals_with_an_invoice(self) -> None:
        invoice = self.chance.choice(self.anna.invoices or [None])
        if invoice:
            verb = self.chance.choice(["pay", "void", "mark_uncollectible", "finalize"])
            self.ask("POST", f"/v1/invoices/{invoice.data['id']}/{verb}")

    def ends(self) -> None:
        if self.chance.random() < 0.2:
            form = self.maybe(prorate=True, invoice_now=True)
            self.ask("DELETE", f"/v1/subscriptions/{self.plan.id}", **form)

    def previews(self) -> None:
        self.ask("POST", "/v1/invoices/create_preview", subscription=self.plan.id)

    DEEDS: tuple[Callable[["Life"], None], ...] = (
        changes_an_item,
        changes_an_item,
        changes_an_item,
        changes_terms,
        changes_terms,
        pauses,
        resumes,
        is_planned,
        uses,
        uses,
        changes_card,
        deals_with_an_invoice,
        previews,
        ends,
    )

    def lives(self) -> None:
        for _ in range(STEPS):
            self.wait(
                self.chance.choice([0, 0, 3600, 5 * DAY, 17 * DAY, 33 * DAY, self.chance.randrange(40 * DAY)])
            )
            self.chance.choice(self.DEEDS)(self)
        self.wait(35 * DAY)


@pytest.mark.parametrize("number", range(FIRST, FIRST + LIVES))
def test_whatever_is_asked_of_a_subscription_holds_together(worlds: Worlds, number: int) -> None:
    life = Life(worlds(), random.Random(number))
    life.lives()
    print(life.told())


@pytest.mark.parametrize("number", range(5001, 5005))
def test_whatever_is_shown_is_what_the_contract_says(
    worlds: Worlds, contract: ModuleType, number: int
) -> None:
    life = Life(worlds(), random.Random(number), contract.problems)
    life.lives()
    for path in ("subscriptions", "subscription_schedules", "invoices", "invoiceitems", "events"):
        more = {"status": "all"} if path == "subscriptions" else {}
        more |= {} if path == "events" else {"customer": life.anna.id}
        shown = life.world.get(f"/v1/{path}", limit=100, **more)
        assert contract.problems(shown) == [], path
