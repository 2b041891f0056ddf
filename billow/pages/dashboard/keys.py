"""Show the API keys of an account and mode; make, roll and revoke them with the password typed once more."""

import re
from collections.abc import Mapping
from typing import Any, cast

import flask

from billow.api import operation, rights, rows
from billow.api.operation import verbs
from billow.api.params import made
from billow.api.resource import ROUTES
from billow.core.errors import Refused
from billow.flows.operators import sessions
from billow.flows.platform import api_keys
from billow.pages import frame
from billow.pages.dashboard import facts, layout, sent_once
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Column, List, Place
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.api_key import ApiKey
from billow.store.perform import perform
from billow.store.tx import Tx

RIGHT = "keys.write"
KINDS = (
    ("secret", "Secret: everything"),
    ("restricted", "Restricted: what is chosen below"),
    ("publishable", "Publishable: what a browser may"),
)
OVERLAPS = (("0", "At once"), ("3600", "In an hour"), ("86400", "In a day"), ("604800", "In seven days"))
LEVELS = ("none", "read", "write")


def row(place: Place, _: Any, one: ApiKey) -> list[Cell]:
    return [
        Cell(
            one.name or short(one),
            link=place.visit.to(f"/keys/{one.id}"),
            below=short(one) if one.name else "",
        ),
        Cell(one.kind.capitalize()),
        Cell(rights_of(one)),
        Cell(layout.when(one.last_used_at, place.zone) if one.last_used_at else "Never"),
        state(place, one),
        layout.day(one.created, place.zone),
    ]


def short(one: ApiKey) -> str:
    """Return what tells a key from others: its kind, and its last four characters."""
    return re.sub(r"\*+", "\N{HORIZONTAL ELLIPSIS}", one.hint)


def rights_of(one: ApiKey) -> str:
    """Say what a key may do, in a few words."""
    if one.kind != "restricted":
        return {"secret": "Everything", "publishable": "What a browser may"}[one.kind]
    granted = [f"{noun.replace('_', ' ')}: {right}" for noun, right in sorted(one.permissions.items())]
    return ", ".join(granted[:3]) + (f" and {len(granted) - 3} more" if len(granted) > 3 else "")


def state(place: Place, one: ApiKey) -> Cell:
    if one.expires_at is None:
        return Cell("Active", "badge", tone="good")
    if one.expires_at <= place.visit.now:
        return Cell("Expired", "badge", tone="bad")
    return Cell("Ends", "badge", tone="warn", below=layout.when(one.expires_at, place.zone))


LIST = List(
    noun=ApiKey,
    path="/keys",
    title="API keys",
    one="key",
    about="Name, id or last characters",
    columns=(
        Column("Key"),
        Column("Kind"),
        Column("Rights"),
        Column("Last used"),
        Column("Status"),
        Column("Created"),
    ),
    row=row,
    load=lambda tx, found: None,
    found="id = %(text)s or name ilike %(like)s or hint ilike %(like)s",
    narrowed=(),
    right="keys.read",
    new=("/keys/new", "New key", RIGHT),
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/keys/new", RIGHT, asked, writes=created)
    screen(app, desk, "/keys/<id>", "keys.read", shown, writes=acted, writing=RIGHT)


def asked(visit: Visit, problem: str | None = None, form: Mapping[str, str] | None = None) -> flask.Response:
    """Ask for a new key: its name, its kind, and what a restricted one may do."""
    return layout.page(
        visit,
        "key_new.html",
        "New API key",
        422 if problem else 200,
        back=visit.to("/keys"),
        given=form or {},
        kinds=KINDS,
        levels=LEVELS,
        nouns=[(noun, noun.replace("_", " ").capitalize()) for noun in nouns()],
        number=sent_once.number(),
        problem=problem,
    )


def nouns() -> list[str]:
    """Return the nouns to which a restricted key can have a right."""
    return sorted(set(rights.nouns(verbs(ROUTES)).values()) - rights.KEYS)


def sent_of(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the params of a new key, as a request would send them."""
    name, kind = form.get("name", "").strip(), form.get("kind") or "secret"
    granted = {noun: form.get(f"right-{noun}", "none") for noun in nouns()} if kind == "restricted" else {}
    chosen = {noun: level for noun, level in granted.items() if level != "none"}
    return {"kind": kind, **({"name": name} if name else {}), **({"permissions": chosen} if chosen else {})}


def check_password(visit: Visit, form: Mapping[str, str]) -> None:
    """Refuse what is sent without the password of who is signed in."""
    turned = sessions.check_password(visit.desk.db, visit.session, form.get("password", ""), visit.browser)
    if turned:
        wait = f"Wait {turned.seconds} seconds, then try again."
        raise Refused("The password is wrong." if turned.why == "wrong" else wait)


def created(visit: Visit, form: Mapping[str, str]) -> flask.Response:
    """Create a key, and show its secret: it is not shown again."""

    def create(tx: Tx) -> dict[str, Any] | None:
        if sent_once.is_repeated(tx, "/keys/new", without_password(form)):
            return None
        key = cast(ApiKey, operation.draft(tx, ApiKey, sent_of(form)))
        answer = api_keys.create(tx, key)
        visit.note(tx, "keys.create", answer["id"], kind=key.kind, permissions=key.permissions)
        return answer

    return done(visit, form, create, lambda problem: asked(visit, problem, form))


def without_password(form: Mapping[str, str]) -> dict[str, str]:
    """Return what is kept of a form, to tell whether it was sent before."""
    return {name: text for name, text in form.items() if name != "password"}


def done(visit: Visit, form: Mapping[str, str], do: Any, again: Any) -> flask.Response:
    """Do what a form says after checking the password; show the secret of a new key, once."""
    try:
        check_password(visit, form)
        answer = perform(lambda: visit.desk.db.transaction(visit.tenant), do)
    except Refused as error:
        answered: flask.Response = again(error.message)
        return answered
    if not answer:
        return frame.see(visit.to("/keys"))
    return layout.page(
        visit,
        "key_made.html",
        "A new key",
        back=visit.to("/keys"),
        name=answer["name"] or answer["id"],
        secret=answer["secret"],
    )


def shown(visit: Visit, id: str, problem: str | None = None) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, ApiKey, id)
        place = facts.place_of(visit, tx)
    granted = [
        (noun.replace("_", " ").capitalize(), Cell(right)) for noun, right in sorted(one.permissions.items())
    ]
    over = one.expires_at is not None and one.expires_at <= visit.now
    return layout.page(
        visit,
        "key.html",
        one.name or short(one),
        422 if problem else 200,
        back=visit.to("/keys"),
        badge=state(place, one),
        granted=granted,
        here=visit.to(f"/keys/{id}"),
        number=sent_once.number(),
        overlaps=OVERLAPS,
        pairs=[
            ("Id", facts.id_of(one.id)),
            ("Key", Cell(short(one), "id")),
            ("Kind", Cell(one.kind.capitalize())),
            ("Rights", Cell(rights_of(one))),
            ("Last used", Cell(layout.when(one.last_used_at, place.zone) if one.last_used_at else "Never")),
            ("Ends", Cell(layout.when(one.expires_at, place.zone) if one.expires_at else "Never")),
            ("Created", Cell(layout.when(one.created, place.zone))),
            ("Requests", Cell("With this key", link=visit.to("/requests", key=one.id))),
        ],
        problem=problem,
        rolls=not over,
        writes=visit.may(RIGHT),
    )


def acted(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Roll a key, and show the secret of its successor; or revoke it."""
    act = form.get("act", "")

    def do(tx: Tx) -> dict[str, Any] | None:
        if sent_once.is_repeated(tx, f"/keys/{id}", without_password(form)):
            return None
        one = rows.lock(tx, ApiKey, id)
        if act == "revoke":
            visit.note(tx, "keys.revoke", id, name=one.name, key=short(one))
            api_keys.delete(tx, one)
            return None
        overlap = form.get("overlap") or "0"
        if act != "roll" or overlap not in dict(OVERLAPS):
            raise Refused("There is no such act.")
        visit.note(tx, "keys.roll", id, name=one.name, overlap=int(overlap))
        return api_keys.roll(tx, one, made(api_keys.Roll, expires_in=int(overlap)))

    return done(visit, form, do, lambda problem: shown(visit, id, problem))
