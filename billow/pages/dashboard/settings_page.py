"""Show and change the settings of the account, a part on each screen."""

from collections.abc import Mapping

import flask

from billow.core.errors import Refused
from billow.flows.outside import seller as sellers
from billow.pages import frame
from billow.pages.dashboard import layout, settings_mails, settings_payments, settings_seller
from billow.pages.dashboard.settings_form import Form, Section, Stale, check_fresh, digest_of
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.store.perform import perform
from billow.store.tx import Tx

RIGHT, WRITING = "settings.read", "settings.write"
SECTIONS: Mapping[str, Section] = {
    **settings_seller.SECTIONS,
    "tax": settings_mails.SECTIONS["tax"],
    **settings_payments.SECTIONS,
    "mails": settings_mails.SECTIONS["mails"],
}


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/settings", RIGHT, lambda visit: frame.see(visit.to("/settings/company")))
    screen(app, desk, "/settings/<name>", RIGHT, shown, writes=acted, writing=WRITING)


def parts(visit: Visit) -> list[dict[str, object]]:
    names = [(f"/settings/{name}", one.title) for name, one in SECTIONS.items()]
    more = [("/approvals", "Approval limit")] if visit.may("approvals.read") else []
    more.append(("/setup", "Set-up"))
    return layout.parts(visit, [*names, *more])


def shown(visit: Visit, name: str, problem: str | None = None, form: Form | None = None) -> flask.Response:
    section = SECTIONS.get(name)
    if section is None:
        raise Refused("There are no such settings.", status=404)
    with visit.reads() as tx:
        found = section.show(visit, tx)
    return layout.page(
        visit,
        "settings.html",
        section.title,
        422 if problem else 200,
        parts=parts(visit),
        section=section,
        found=found,
        given=form or {},
        digest=form.get("shown", "") if form else digest_of(found.fields),
        writes=visit.may(WRITING),
        problem=problem,
        saved=flask.request.args.get("saved") == "yes",
        here=visit.to(f"/settings/{name}"),
    )


def acted(visit: Visit, form: Mapping[str, str], name: str) -> flask.Response:
    """Store a form; what is refused is said, with what was entered but no secret."""
    if name not in SECTIONS:
        raise Refused("There are no such settings.", status=404)
    try:
        perform(lambda: visit.desk.db.transaction(visit.tenant), write, visit, form, name)
    except Stale as error:  # with what is stored: what was entered would still take it back
        return shown(visit, name, error.message)
    except Refused as error:
        return shown(visit, name, error.message, form)
    return frame.see(visit.to(f"/settings/{name}", saved="yes"))


def write(tx: Tx, visit: Visit, form: Form, name: str) -> None:
    section = SECTIONS[name]
    sellers.hold(tx)  # two who save at once do so one after the other
    if "about" not in form:  # what is done to something there already changes no field
        check_fresh(section.show(visit, tx).fields, form)
    told = section.write(visit, tx, form)
    visit.note(tx, f"settings.{name}", None, **told)
