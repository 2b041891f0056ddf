"""Show a form of a few fields, and do what it says once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flask

from billow.core.errors import Refused
from billow.pages import frame
from billow.pages.dashboard import layout, sent_once
from billow.pages.dashboard.visit import Visit
from billow.store.perform import perform
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Entry:
    """One field: a line, a number, a choice, a day, or a tick."""

    name: str
    label: str
    kind: str = "line"
    options: Sequence[tuple[str, str]] = ()
    hint: str = ""
    most: int = 500
    value: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What a screen asks for: `act` is its button's value, `back` the path where to go without doing it."""

    title: str
    entries: Sequence[Entry]
    button: str
    back: str
    about: str = ""
    act: str = "do"


def page(
    visit: Visit, form: Form, given: Mapping[str, str] | None = None, problem: str | None = None
) -> flask.Response:
    """Render a form, with what was typed and what is wrong with it."""
    return layout.page(
        visit,
        "simple_form.html",
        form.title,
        422 if problem else 200,
        asked=form,
        back=visit.to(form.back),
        given=given if given is not None else {one.name: one.value for one in form.entries},
        number=sent_once.number(),
        problem=problem,
    )


def done(
    visit: Visit,
    address: str,
    form: Mapping[str, str],
    do: Callable[[Tx], Any],
    again: Callable[[str], flask.Response],
    after: Callable[[Any], str],
) -> flask.Response:
    """Do what a form says, once however often it is sent; show it `again` where it is refused.

    `after` returns where to go from what was done, or from None where it was done before.
    """

    def once(tx: Tx) -> Any:
        return None if sent_once.is_repeated(tx, address, form) else do(tx)

    try:
        answer = perform(lambda: visit.desk.db.transaction(visit.tenant), once)
    except Refused as error:
        answer = error
    if isinstance(answer, Refused):
        return again(answer.message)
    return frame.see(visit.to(after(answer)))
