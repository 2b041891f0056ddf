"""The settings of payments: which gateways take them, and when a failed one is tried again."""

from typing import Any

from billow.core.dunning import CLASSES, FINALLY, INVOICE_FINALLY, WINDOWS
from billow.core.errors import Refused, require
from billow.core.routing import Route
from billow.flows.outside import gateways as configured
from billow.flows.outside.merchant import merchant_of
from billow.flows.outside.outside import outside_of
from billow.flows.platform import connected_accounts
from billow.flows.subscription_status import policies
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.settings_form import Field, Form, Item, Section, Shown, changes, ticked
from billow.pages.dashboard.visit import Visit
from billow.store.tx import Tx

DECLINES = {
    "soft": "Days after a decline that may pass",
    "funds": "Days after too little money",
    "hard": "Days after a decline that needs another method",
}
LAST = "last"
"""The word for the last working day of a month, which is 0 among the days."""
AFTER_WORDS = {"cancel": "Cancel it", "unpaid": "Mark it as unpaid", "past_due": "Leave it past due"}
INVOICE_WORDS = {"open": "Stays open", "uncollectible": "Is written off"}


def gateways(visit: Visit, tx: Tx) -> Shown:
    found = outside_of(tx).configured.routes(tx)
    kinds = sorted(outside_of(tx).configured.kinds)
    fixed = []
    if not found:
        fixed.append(
            "None is set: test mode uses the simulated one, which moves no money."
            if visit.mode == "test"
            else "None is set: cards cannot be charged. Invoices are sent and paid by bank transfer."
        )
    return Shown(
        [
            Field("name", "Name", hint="Small letters, digits, - and _; it is kept with each payment"),
            Field("kind", "Kind", "stripe", "choose", options=[(one, words(one)) for one in kinds]),
            Field("position", "Position", "1", hint="Lower ones are asked first"),
            Field("currencies", "Only for these currencies", hint="As eur, sek; empty: all"),
            Field("types", "Only for these methods", hint="As card, sepa_debit; empty: all"),
            Field(
                "secret",
                "Secret key",
                kind="secret",
                hint=f"Of {visit.mode} mode. It is not shown again; bank and manual have none",
            ),
            Field("signing", "Secret of its notices", kind="secret"),
        ],
        fixed=fixed,
        items=[item(visit, one) for one in found],
        button="Add or replace",
    )


def words(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


def item(visit: Visit, one: Route) -> Item:
    own = one.kind in configured.WITHOUT_KEY
    address = f"{visit.desk.outside.base_url.rstrip('/')}/gateways/{visit.tenant}/{one.name}"
    takes = [
        ", ".join(one.upper() for one in one.currencies) or "all currencies",
        ", ".join(one.types) or "all methods",
    ]
    text = f"{words(one.kind)}, position {one.position}: {'; '.join(takes)}."
    return Item(
        one.name,
        one.name,
        text if own else f"{text} It sends its notices to {address}",
        Cell("Takes payments", "badge", tone="good") if one.active else Cell("Stopped", "badge"),
        (*((("stop", "Stop"),) if one.active else ()), ("remove", "Remove")),
    )


def write_gateways(visit: Visit, tx: Tx, form: Form) -> dict[str, Any]:
    """Add a gateway, stop one or remove one. No key is noted or shown again."""
    act, name = form.get("act", "save"), form.get("name", "").strip() or form.get("about", "")
    if act in ("stop", "remove"):
        done = configured.stop(tx, name) if act == "stop" else configured.remove(tx, name)
        require(done, f"There is no gateway {name}.")
    else:
        configured.write(tx, route_of(visit, tx, form, name))
    connected_accounts.follow_gateways(tx)
    return {"act": act, "name": name}


def route_of(visit: Visit, tx: Tx, form: Form, name: str) -> Route:
    """Read a gateway from a form, and refuse one that could take nothing."""
    kind, secret, position = form.get("kind", ""), form.get("secret", "").strip(), form.get("position", "1")
    configured.check_kind(kind, list(outside_of(tx).configured.kinds))
    own = kind in configured.WITHOUT_KEY
    require(secret or own, "Enter the gateway's secret key.")
    require(own or configured.is_key(secret, visit.mode), f"That is not a secret key of {visit.mode} mode.")
    require(position.isascii() and position.isdigit() and len(position) < 4, "A position is a number.")
    made = Route(
        name=name,
        kind=kind,
        position=int(position),
        currencies=tuple(words_in(form.get("currencies", "").lower())),
        types=tuple(words_in(form.get("types", ""))),
        secret="" if own else secret,
        signing_secret="" if own else form.get("signing", "").strip(),
    )
    configured.check(made)
    return made


def words_in(text: str) -> list[str]:
    return text.replace(",", " ").split()


# ------------------------------------------------------------------------------------- retries


def retries(visit: Visit, tx: Tx) -> Shown:
    own = merchant_of(tx).retries
    policy = policies.policy_of(tx, None)
    after = next(word for word, value in FINALLY.items() if value == policy.finally_)
    invoice_after = next(word for word, value in INVOICE_FINALLY.items() if value == policy.writes_off)
    paydays = [LAST if day == 0 else str(day) for day in own.get("paydays", [])]
    presets = "; ".join(f"{name}: {', '.join(map(str, days))}" for name, days in WINDOWS.items())
    return Shown(
        [
            *(
                Field(
                    f"days_{kind}",
                    DECLINES[kind],
                    ", ".join(map(str, policies.days_after(tx, kind))),
                    hint=f"As {presets}" if kind == "soft" else "",
                )
                for kind in CLASSES
            ),
            Field("paydays", "Days of the month to prefer", ", ".join(paydays), hint="As 1, 15, last"),
            Field(
                "habits",
                "Prefer the weekday and hour at which the customer paid before",
                "yes" if own.get("habits") else "",
                "tick",
            ),
            Field(
                "after",
                "After the last try, the subscription",
                after,
                "choose",
                options=[*AFTER_WORDS.items()],
            ),
            Field(
                "invoice_after", "And the invoice", invoice_after, "choose", options=[*INVOICE_WORDS.items()]
            ),
        ],
        fixed=["Tries that are planned already keep their time; the next one follows what is set here."],
    )


def write_retries(visit: Visit, tx: Tx, form: Form) -> dict[str, Any]:
    given = changes(retries(visit, tx).fields, form)
    wanted: dict[str, Any] = {"habits": ticked(form, "habits")}
    schedules = {
        kind: {"days": days_in(given[f"days_{kind}"])} for kind in CLASSES if f"days_{kind}" in given
    }
    if schedules:
        wanted["schedules"] = schedules
    if "paydays" in given:
        wanted["paydays"] = [0 if word == LAST else day_of(word) for word in words_in(given["paydays"])]
    wanted |= {name: given[name] for name in ("after", "invoice_after") if name in given}
    policies.change(tx, wanted)
    return wanted


def days_in(text: str) -> list[int]:
    found = [day_of(word) for word in words_in(text)]
    require(found, "Say on which days a payment is tried again.")
    return found


def day_of(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 4):
        raise Refused(f"{word} is no number of days.")
    return int(word)


SECTIONS = {
    "gateways": Section(
        "Gateways", "Which gateways take payments, by currency and method.", gateways, write_gateways
    ),
    "retries": Section(
        "Retries",
        "When failed payments are tried again, and what follows the last try.",
        retries,
        write_retries,
    ),
}
