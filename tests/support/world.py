"""The language of scenarios: billing in a test's words, through HTTP and a test clock only."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billow.core.money import minor_digits

Tiers = Sequence[tuple[Any, ...]]
CARDS = {
    "visa": "pm_card_visa",
    "mastercard": "pm_card_mastercard",
    "declining": "pm_card_chargeCustomerFail",
    "always 3DS": "pm_card_authenticationRequired",
}
SETUP_EVENTS = (
    "test_helpers.",
    "payment_method.attached",
    "product.",
    "price.",
    "plan.",
    "billing.meter.",
    "coupon.created",
    "promotion_code.created",
    "tax_rate.",
    "customer.created",
)
"""The prefixes of events that setting up a scenario emits, and that no scenario expects."""
REMINDERS = ("invoice.upcoming", "invoice.will_be_due")
"""Reminders, which scenarios do not expect: test_reminders lists them by type."""

# The event types that always come together (§10.3), to be spread into what a test expects.
OPENED = ["invoice.finalized", "payment_intent.created"]
TAKEN = ["charge.succeeded", "payment_intent.succeeded", "invoice_payment.paid", "invoice.updated"]
PAID = [*TAKEN, "invoice.paid", "invoice.payment_succeeded"]
REFUSED = ["charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed"]
FREE = ["invoice.finalized", "invoice.paid", "invoice.payment_succeeded"]
BEGUN = ["customer.subscription.created", "customer.updated"]
RENEWED = ["customer.subscription.updated", "invoice.created"]


def moment(text: str) -> datetime:
    """'2025-01-31' or '2025-01-31 12:00[:30]', UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class World:
    """A merchant with a test clock. `api` sends HTTP requests; `work` runs what is due on the wall clock."""

    def __init__(self, api: Any, work: Callable[[], None]) -> None:
        self.api, self.work = api, work
        self.clock: str | None = None
        self.seconds = 0
        self.last_event = ""

    # ----------------------------------------------------------------------------- time

    def at(self, when: str, expect: list[str] | None = None) -> None:
        """Advance the test clock; with `expect` check that exactly these events are emitted, in order."""
        seconds = int(moment(when).timestamp())
        if self.clock is None:
            self.clock = self.post("/v1/test_helpers/test_clocks", frozen_time=seconds)["id"]
        else:
            self.post(f"/v1/test_helpers/test_clocks/{self.clock}/advance", frozen_time=seconds)
            self.work()
            clock = self.get(f"/v1/test_helpers/test_clocks/{self.clock}")
            assert clock["status"] == "ready", clock
        self.check_events(expect) if expect is not None else self.forget()
        self.seconds = seconds

    def check_events(self, expect: list[str]) -> None:
        """Check that exactly these event types were emitted since the last check, in this order."""
        emitted = self.emitted()
        self.forget()
        assert emitted == expect, "\n".join(["expected:", *expect, "", "emitted:", *emitted])

    def emitted(self) -> list[str]:
        """List the types of events since the last check, in order, without those of the setup."""
        unexpected = (*SETUP_EVENTS, *REMINDERS)
        return [event["type"] for event in self.events() if not event["type"].startswith(unexpected)]

    def events(self) -> list[dict[str, Any]]:
        """List the events since the last check in the order of their ids, which is that of writing."""
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {"has_more": True}
        while page["has_more"]:
            after = {"starting_after": found[-1]["id"]} if found else {}
            page = self.get("/v1/events", limit=100, created={"gte": self.seconds}, **after)
            found += page["data"]
        return sorted((e for e in found if e["id"] > self.last_event), key=lambda event: event["id"])

    def forget(self) -> None:
        """Leave out the events so far from later checks."""
        events = self.events()
        self.last_event = events[-1]["id"] if events else self.last_event

    # ----------------------------------------------------------------------------- HTTP

    def refused(self, path: str, **form: Any) -> dict[str, Any]:
        """Send a request that must be refused; return the error with its status."""
        answer = self.api.post(path, flat(form))
        assert "error" in answer, answer
        return {"status": answer.status, **answer["error"]}

    def post(self, path: str, **form: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.api.post(path, flat(form))
        assert "error" not in answer, answer
        return answer

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.api.get(path, flat(query))
        assert "error" not in answer, answer
        return answer

    def delete(self, path: str, **query: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.api.delete(path, flat(query))
        assert "error" not in answer, answer
        return answer

    # ----------------------------------------------------------------------------- catalog and people

    def plan(self, name: str, *, every: str = "month", count: int = 1, **amount: float) -> str:
        """A licensed price: world.plan("Pro", usd=20)."""
        [(currency, major)] = amount.items()
        minor = int(Decimal(str(major)).scaleb(minor_digits(currency)))
        return str(
            self.post(
                "/v1/prices",
                currency=currency,
                unit_amount=minor,
                product_data={"name": name},
                recurring={"interval": every, "interval_count": count},
            )["id"]
        )

    def once(self, name: str, **amount: float) -> str:
        """A one-time price: world.once("Setup", usd=50)."""
        [(currency, major)] = amount.items()
        minor = int(Decimal(str(major)).scaleb(minor_digits(currency)))
        form = {"currency": currency, "unit_amount": minor, "product_data": {"name": name}}
        return str(self.post("/v1/prices", **form)["id"])

    def meter(self, event: str, formula: str = "sum", **more: Any) -> str:
        return str(
            self.post(
                "/v1/billing/meters",
                display_name=event,
                event_name=event,
                default_aggregation={"formula": formula},
                **more,
            )["id"]
        )

    def metered(
        self,
        name: str,
        meter: str,
        *,
        cents: str | None = None,
        tiers: Tiers | None = None,
        mode: str = "graduated",
        per: int = 1,
        round: str = "up",
        every: str = "month",
    ) -> str:
        """A metered price: cents for a unit or for a package of `per`, or tiers of (up to, cents[, flat])."""
        form: dict[str, Any] = {
            "currency": "usd",
            "product_data": {"name": name},
            "recurring": {"interval": every, "usage_type": "metered", "meter": meter},
        }
        if tiers:
            names = ("up_to", "unit_amount_decimal", "flat_amount")
            rows = [dict(zip(names, tier, strict=False)) for tier in tiers]
            form.update(billing_scheme="tiered", tiers_mode=mode, tiers=rows)
        else:
            form["unit_amount_decimal"] = cents
        if per > 1:
            form["transform_quantity"] = {"divide_by": per, "round": round}
        return str(self.post("/v1/prices", **form)["id"])

    def coupon(self, **form: Any) -> str:
        """world.coupon(percent_off=20, duration="forever"), world.coupon(amount_off=500)."""
        more = {"currency": "usd"} if "amount_off" in form and "currency" not in form else {}
        return str(self.post("/v1/coupons", **form, **more)["id"])

    def tax(self, percentage: float, name: str = "VAT", *, inclusive: bool = False, **more: Any) -> str:
        form = {"display_name": name, "percentage": percentage, "inclusive": inclusive, **more}
        return str(self.post("/v1/tax_rates", **form)["id"])

    def customer(self, name: str, card: str | None = "visa", **more: Any) -> "Customer":
        form = {"name": name, "email": f"{name}@example.com", "test_clock": self.clock, **more}
        made = self.post("/v1/customers", **form)
        customer = Customer(self, made["id"], name)
        if card:
            customer.pays_with(card)
        self.forget()
        return customer


@dataclass
class Customer:
    world: World
    id: str
    name: str

    def pays_with(self, card: str) -> str:
        method = self.world.post(f"/v1/payment_methods/{CARDS.get(card, card)}/attach", customer=self.id)[
            "id"
        ]
        self.world.post(f"/v1/customers/{self.id}", invoice_settings={"default_payment_method": method})
        return str(method)

    def subscribes_to(self, *prices: str | dict[str, Any], **more: Any) -> "Subscription":
        """Subscribe to prices, or to items as {"price": …, "quantity": …}."""
        items = [price if isinstance(price, dict) else {"price": price} for price in prices]
        made = self.world.post("/v1/subscriptions", customer=self.id, items=items, **more)
        return Subscription(self.world, made["id"])

    def is_offered(self, *lines: str | dict[str, Any], **more: Any) -> "Quote":
        """Create a quote of prices, or of lines as {"price": …, "quantity": …}."""
        named = [line if isinstance(line, dict) else {"price": line} for line in lines]
        return Quote(
            self.world, self.world.post("/v1/quotes", customer=self.id, line_items=named, **more)["id"]
        )

    def uses(self, event: str, value: Any, when: str, identifier: str | None = None) -> None:
        more = {"identifier": identifier} if identifier else {}
        self.world.post(
            "/v1/billing/meter_events",
            event_name=event,
            timestamp=int(moment(when).timestamp()),
            payload={"stripe_customer_id": self.id, "value": value},
            **more,
        )

    def owes(self, amount: int, text: str = "Work", **more: Any) -> str:
        """Create a pending invoice item of so many cents."""
        form = {"currency": "usd", **more}
        return str(
            self.world.post("/v1/invoiceitems", customer=self.id, amount=amount, description=text, **form)[
                "id"
            ]
        )

    def bills(self, **more: Any) -> "Invoice":
        """Create a draft invoice by hand, with the pending items: those of `subscription`, or of none."""
        form = {**({} if "subscription" in more else {"pending_invoice_items_behavior": "include"}), **more}
        return Invoice(self.world, self.world.post("/v1/invoices", customer=self.id, **form))

    @property
    def now(self) -> dict[str, Any]:
        return self.world.get(f"/v1/customers/{self.id}")

    @property
    def invoices(self) -> list["Invoice"]:
        """The invoices of the customer, the oldest first."""
        page = self.world.get("/v1/invoices", customer=self.id, limit=100)
        return [Invoice(self.world, data) for data in reversed(page["data"])]

    @property
    def last_invoice(self) -> "Invoice":
        return self.invoices[-1]


@dataclass
class Subscription:
    world: World
    id: str

    @property
    def now(self) -> dict[str, Any]:
        return self.world.get(f"/v1/subscriptions/{self.id}")

    @property
    def status(self) -> str:
        return str(self.now["status"])

    @property
    def period(self) -> tuple[str, str]:
        item = self.now["items"]["data"][0]
        return day(item["current_period_start"]), day(item["current_period_end"])

    def update(self, **changes: Any) -> dict[str, Any]:
        return self.world.post(f"/v1/subscriptions/{self.id}", **changes)

    def cancels(self, **how: Any) -> dict[str, Any]:
        return self.world.delete(f"/v1/subscriptions/{self.id}", **how)


@dataclass
class Schedule:
    """A subscription schedule."""

    world: World
    id: str

    @property
    def now(self) -> dict[str, Any]:
        return self.world.get(f"/v1/subscription_schedules/{self.id}")

    @property
    def status(self) -> str:
        return str(self.now["status"])

    @property
    def subscription(self) -> Subscription:
        now = self.now
        return Subscription(self.world, now["subscription"] or now["released_subscription"])

    @property
    def dates(self) -> list[tuple[str, str]]:
        return [(day(phase["start_date"]), day(phase["end_date"])) for phase in self.now["phases"]]

    def update(self, **changes: Any) -> dict[str, Any]:
        return self.world.post(f"/v1/subscription_schedules/{self.id}", **changes)

    def does(self, verb: str, **how: Any) -> dict[str, Any]:
        return self.world.post(f"/v1/subscription_schedules/{self.id}/{verb}", **how)


@dataclass
class Quote:
    """A quote for a customer."""

    world: World
    id: str

    @property
    def now(self) -> dict[str, Any]:
        return self.world.get(f"/v1/quotes/{self.id}")

    @property
    def status(self) -> str:
        return str(self.now["status"])

    @property
    def lines(self) -> list[dict[str, Any]]:
        data: list[dict[str, Any]] = self.world.get(f"/v1/quotes/{self.id}/line_items", limit=100)["data"]
        return data

    def update(self, **changes: Any) -> dict[str, Any]:
        return self.world.post(f"/v1/quotes/{self.id}", **changes)

    def does(self, verb: str, **how: Any) -> dict[str, Any]:
        """Send an action: finalize, accept or cancel."""
        return self.world.post(f"/v1/quotes/{self.id}/{verb}", **how)

    def is_accepted(self) -> dict[str, Any]:
        """Finalize and accept the quote."""
        self.does("finalize")
        return self.does("accept")

    def refuses(self, verb: str = "", **how: Any) -> dict[str, Any]:
        return self.world.refused(f"/v1/quotes/{self.id}/{verb}".rstrip("/"), **how)


@dataclass
class Invoice:
    world: World
    data: dict[str, Any] = field(repr=False)

    def does(self, verb: str, **how: Any) -> dict[str, Any]:
        """Send an action: finalize, pay, void, send or mark_uncollectible."""
        self.data = self.world.post(f"/v1/invoices/{self.data['id']}/{verb}", **how)
        return self.data

    @property
    def now(self) -> dict[str, Any]:
        self.data = self.world.get(f"/v1/invoices/{self.data['id']}")
        return self.data

    @property
    def status(self) -> str:
        return str(self.now["status"])

    @property
    def intent(self) -> dict[str, Any]:
        """The payment intent of the invoice."""
        [payment] = self.world.get("/v1/invoice_payments", invoice=self.data["id"])["data"]
        return self.world.get(f"/v1/payment_intents/{payment['payment']['payment_intent']}")

    def reads(self, text: str) -> None:
        """Check the lines as `description   amount`, then `Total   amount  status`."""
        wanted = [tuple(line.rsplit(None, 1)) for line in textwrap.dedent(text).strip().splitlines()]
        wanted = [(left.strip(), right) for left, right in wanted]
        assert self.text() == wanted, "\n".join(f"{left}  {right}" for left, right in self.text())

    def text(self) -> list[tuple[str, str]]:
        page = self.world.get(f"/v1/invoices/{self.data['id']}/lines", limit=100)
        lines = [(line["description"], major(line["amount"], line["currency"])) for line in page["data"]]
        return [*lines, (f"Total {major(self.data['total'], self.data['currency'])}", self.data["status"])]


def seconds(when: str) -> int:
    return int(moment(when).timestamp())


def months(count: int) -> dict[str, Any]:
    """The duration of a phase."""
    return {"interval": "month", "interval_count": count}


def of(*prices: str | dict[str, Any]) -> list[dict[str, Any]]:
    """The items of a phase."""
    return [price if isinstance(price, dict) else {"price": price} for price in prices]


def plans(customer: Customer, *phases: dict[str, Any], start: str | None = "now", **more: Any) -> Schedule:
    """Create a schedule that starts now or at a date; with None it sends no start."""
    start_date = start if start in (None, "now") else seconds(str(start))
    made = customer.world.post(
        "/v1/subscription_schedules", customer=customer.id, start_date=start_date, phases=list(phases), **more
    )
    return Schedule(customer.world, made["id"])


def major(amount: int, currency: str) -> str:
    return f"{Decimal(amount).scaleb(-minor_digits(currency)):f}"


def day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def flat(form: dict[str, Any], at: str = "") -> dict[str, str]:
    """Flatten nested values into bracketed names."""
    found: dict[str, str] = {}
    for key, value in form.items():
        name = f"{at}[{key}]" if at else key
        if isinstance(value, dict):
            found.update(flat(value, name))
        elif isinstance(value, list):
            found.update(flat({str(place): item for place, item in enumerate(value)}, name))
        elif value is not None:
            found[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found
