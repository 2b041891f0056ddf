"""Write the life of a subscription as text: the actions, the events, and the invoices."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from tests.support.world import REMINDERS, SETUP_EVENTS, Customer, Subscription, World, major, moment

#: What every change of money tells in the same words; a life is read without them.
SHORT = {
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "invoice_payment.paid",
    "invoice.updated",
    "invoice.payment_succeeded",
    "customer.updated",
}


class Life:
    """One customer with subscriptions. `at` lets time pass, `does` acts; both note what was told."""

    def __init__(self, world: World, title: str, began: str, **customer: Any) -> None:
        self.world, self.pages = world, [title, "=" * len(title), ""]
        world.at(began)
        self.anna: Customer = world.customer("anna", invoice_prefix="ANNA", **customer)
        self.plan: Subscription | None = None

    def at(self, when: str) -> None:
        """Let time pass, in steps that the test clock allows."""
        target, now = int(moment(when).timestamp()), self.world.seconds
        while now < target:
            now = min(now + 25 * 86400, target)
            self.world.post(f"/v1/test_helpers/test_clocks/{self.world.clock}/advance", frozen_time=now)
            self.world.work()
            self.told()
            self.world.seconds = now

    def does(self, text: str, action: Callable[[], Any]) -> Any:
        """Act, and note it under the date."""
        self.pages.append(f"{clock(self.world.seconds)}  * {text}")
        result = action()
        if isinstance(result, Subscription):
            self.plan = self.plan or result
        self.world.work()
        self.told()
        return result

    def told(self) -> None:
        """Note what was told since, under its dates."""
        events = [
            e
            for e in self.world.events()
            if e["type"] not in SHORT and not e["type"].startswith((*SETUP_EVENTS, *REMINDERS))
        ]
        self.world.forget()
        for at, group in groupby(events, key=lambda event: event["created"]):
            names = [name_of(event) for event in group]
            self.pages.append(f"{clock(at)}    {names[0]}")
            self.pages += [f"{'':18}  {name}" for name in names[1:]]

    def text(self) -> str:
        """The story, then every invoice, then what still waits."""
        pages = [*self.pages, ""]
        for invoice in self.anna.invoices:
            pages += [*self.paper(invoice.now), ""]
        waiting = self.world.get("/v1/invoiceitems", customer=self.anna.id, pending=True, limit=100)["data"]
        if waiting:
            pages += ["Waiting for an invoice", *(line_of(item) for item in waiting), ""]
        if self.plan:
            pages += self.ending(self.plan.now)
        return "\n".join(pages).rstrip() + "\n"

    def paper(self, data: dict[str, Any]) -> list[str]:
        """One invoice, line by line, with what was paid of it."""
        lines = self.world.get(f"/v1/invoices/{data['id']}/lines", limit=100)["data"]
        sums = [f"total {major(data['total'], data['currency'])}"]
        for name, label in (("starting_balance", "balance"), ("amount_due", "due"), ("amount_paid", "paid")):
            if data[name] or name == "amount_due":
                sums.append(f"{label} {major(data[name], data['currency'])}")
        off = sum(one["amount"] for one in data["total_discount_amounts"] or [])
        tax = sum(one["amount"] for one in data["total_taxes"] or [])
        sums = [f"discount {major(off, data['currency'])}"] * bool(off) + sums
        sums = [f"tax {major(tax, data['currency'])}"] * bool(tax) + sums
        head = f"Invoice {data['number'] or '(draft)'}  {clock(data['created'])}  {data['billing_reason']}"
        return [f"{head}  {data['status']}", *(line_of(line) for line in lines), f"    {', '.join(sums)}"]

    def ending(self, data: dict[str, Any]) -> list[str]:
        page = [f"At last: {data['status']}"]
        for item in data["items"]["data"]:
            quantity = f"{item['quantity']} x " if item["quantity"] is not None else ""
            name = item["price"]["unit_amount"] if item["price"]["unit_amount"] is not None else "tiers"
            page.append(
                f"    {quantity}{name} / {item['price']['recurring']['interval']},"
                f" {day(item['current_period_start'])} to {day(item['current_period_end'])}"
            )
        return page


def line_of(line: dict[str, Any]) -> str:
    period = line["period"]
    span = day(period["start"])
    if period["start"] != period["end"]:
        span += f" to {day(period['end'])}"
    return f"    {line['description']:<64} {span:<36} {major(line['amount'], line['currency']):>10}".rstrip()


def name_of(event: dict[str, Any]) -> str:
    """A word of what happened, with the status of a subscription where that is what changed."""
    previous = event["data"].get("previous_attributes") or {}
    status = event["data"]["object"].get("status")
    return f"{event['type']} ({status})" if "status" in previous else str(event["type"])


def clock(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def day(seconds: int) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    return at.strftime("%Y-%m-%d" if at.hour == at.minute == at.second == 0 else "%Y-%m-%d %H:%M")


# ------------------------------------------------------------------------------------- telling them

Story = Callable[[World], Life]
STORIES: dict[str, Story] = {}
"""Each story by the name of its file: the group of flows that it is about, and its own name."""


def story(group: str) -> Callable[[Story], Story]:
    """Register a story, with the group of flows that it is about."""

    def register(tell: Story) -> Story:
        STORIES[f"{group}/{tell.__name__}"] = tell
        return tell

    return register


def first_item(life: Life) -> str:
    assert life.plan
    return str(life.plan.now["items"]["data"][0]["id"])


def seconds(when: str) -> int:
    return int(moment(when).timestamp())


def change(life: Life, text: str, **changes: Any) -> Any:
    assert life.plan
    return life.does(text, lambda: life.plan.update(**changes) if life.plan else None)
