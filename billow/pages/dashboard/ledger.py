"""Show the ledger: what accounts hold, what moved on each, the journal, and one entry with its document."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import flask

from billow import reports
from billow.core.books import periods
from billow.core.books.chart import Chart
from billow.core.errors import Refused, require
from billow.flows.outside import books
from billow.ledger import browse
from billow.ledger.browse import Asked, Posted, Sums
from billow.ledger.chart import CHART
from billow.pages import frame
from billow.pages.dashboard import facts, layout, ledger_names
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.ledger_names import Names
from billow.pages.dashboard.lists import Column, Place
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.store.turns import JOB
from billow.store.tx import Tx

RIGHT = "ledger.read"
ON_A_PAGE, IN_A_PART = 50, 500
PARTS = (("/ledger", "Accounts"), ("/ledger/journal", "Journal"), ("/ledger/periods", "Periods"))
"""The screens of the ledger."""
SUMS = (
    Column("Account"),
    Column("Currency"),
    Column("Debit", True),
    Column("Credit", True),
    Column("Balance", True),
)
NUMBER_SIZE = 40
MOST_NUMBERS = 3
"""How many numbers of a chart are shown for a kind of accounts."""
HEADINGS = (
    *("id", "booked", "happened", "event", "source", "document", "customer"),
    *("debit", "debit_of", "credit", "credit_of", "amount", "currency"),
)


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/ledger", RIGHT, trial_balance)
    screen(app, desk, "/ledger/accounts/<name>", RIGHT, account)
    screen(app, desk, "/ledger/journal", RIGHT, journal)
    screen(app, desk, "/ledger/journal.csv", "exports.read", exported)
    screen(app, desk, "/ledger/entries/<id>", RIGHT, entry)


def parts(visit: Visit) -> list[dict[str, Any]]:
    return layout.parts(visit, PARTS)


# ------------------------------------------------------------------------------------- accounts


def trial_balance(visit: Visit) -> flask.Response:
    """Show the trial balance by kinds of accounts, at the end of a day."""
    args = flask.request.args
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        found = browse.by_kind(tx, span(args, place.zone, ending="at").until)
        chart = books.chart_of(tx)
    links = [visit.to(f"/ledger/accounts/{one.account}", currency=one.currency) for one in found]
    lines = [
        sums(one, CHART[one.account].title, link, numbered(chart, one.account))
        for one, link in zip(found, links, strict=True)
    ]
    currencies = sorted({one.currency for one in found})
    feet = [foot(found, currency) for currency in currencies]
    return layout.page(
        visit,
        "ledger.html",
        "Ledger",
        parts=parts(visit),
        about="The trial balance: what every account was debited and credited, in each currency.",
        days={"at": args.get("at", "")},
        kept={},
        zone=place.zone,
        choices=(),
        columns=SUMS,
        lines=lines,
        feet=feet,
        export=visit.to("/reports/trial_balance.csv") if visit.may("exports.read") else None,
        older=None,
        empty="Nothing is booked yet.",
    )


def sums(one: Sums, title: str, link: str | None = None, below: str = "") -> list[Cell]:
    return [
        Cell(title, link=link, below=below),
        Cell(one.currency.upper()),
        layout.amount(one.debit, one.currency),
        layout.amount(one.credit, one.currency),
        layout.amount(one.balance, one.currency),
    ]


def numbered(chart: Chart, kind: str) -> str:
    """Return the numbers of a kind in the account's chart: 3001, 3002, 3003 and 5 more."""
    numbers = chart.numbers(kind)
    more = f" and {len(numbers) - MOST_NUMBERS} more" if len(numbers) > MOST_NUMBERS else ""
    return ", ".join(numbers[:MOST_NUMBERS]) + more


def foot(found: list[Sums], currency: str) -> list[Cell]:
    """Return the sums of a currency, which stand below its accounts."""
    own = [one for one in found if one.currency == currency]
    whole = Sums(
        "",
        currency,
        sum(one.debit for one in own),
        sum(one.credit for one in own),
        sum(one.balance for one in own),
    )
    return sums(whole, "All accounts")


def account(visit: Visit, name: str) -> flask.Response:
    """Show the accounts of a kind, such as each customer's, or what moved on one."""
    args = flask.request.args
    require(name in CHART, "There is no such account.")
    currency, of = args.get("currency", ""), args.get("of", "").replace("\x00", "")
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        currency = currency or next(
            (one.currency for one in browse.by_kind(tx, None) if one.account == name), ""
        )
        if CHART[name].per and not of:
            return several(tx, place, name, currency)
        return movements(tx, place, f"{name}:{of}" if of else name, currency)


def several(tx: Tx, place: Place, kind: str, currency: str) -> flask.Response:
    """Show what each account of a kind holds."""
    asked = span(flask.request.args, place.zone, ending="at")
    found = browse.of_kind(tx, kind, currency, asked.until)
    names = ledger_names.load(tx, (one.account for one in found), ())
    lines = []
    for one in found:
        _, whose = ledger_names.account(names, one.account)
        link = ledger_names.account_cell(place, names, one.account, currency).link
        lines.append(sums(one, whose or CHART[kind].title, link))
    most = len(found) == browse.MOST_ACCOUNTS
    return layout.page(
        place.visit,
        "ledger.html",
        CHART[kind].title,
        parts=parts(place.visit),
        about=f"Each {CHART[kind].per} has its own account"
        + (f"; these are the {browse.MOST_ACCOUNTS} with the largest balances." if most else "."),
        days={"at": flask.request.args.get("at", "")},
        kept={"currency": currency},
        zone=place.zone,
        choices=(),
        columns=SUMS,
        lines=lines,
        feet=[] if most else [foot(found, currency)] if found else [],
        export=None,
        older=None,
        empty="Nothing is booked on these accounts.",
    )


def movements(tx: Tx, place: Place, key: str, currency: str) -> flask.Response:
    """Show what moved on an account, the newest first, with the balance after each."""
    visit, args = place.visit, flask.request.args
    asked = replace(span(args, place.zone), before=args.get("before"))
    found = browse.movements(tx, key, currency, asked, ON_A_PAGE + 1)
    more, found = len(found) > ON_A_PAGE, found[:ON_A_PAGE]
    names = ledger_names.load(
        tx, [key, *(one.other for one in found)], [id for one in found for id in (one.source, one.invoice)]
    )
    running = browse.total(tx, key, currency, found[0].id) if found else 0
    lines = []
    for one in found:
        lines.append(
            [
                Cell(ledger_names.happened(one.event), link=visit.to(f"/ledger/entries/{one.id}")),
                layout.day(one.created, place.zone),
                ledger_names.document(place, names, one.source, one.invoice),
                ledger_names.account_cell(place, names, one.other, currency),
                layout.amount(max(one.amount, 0) or None, currency),
                layout.amount(max(-one.amount, 0) or None, currency),
                layout.amount(running, currency),
            ]
        )
        running -= one.amount
    title, whose = ledger_names.account(names, key)
    kind, _, of = key.partition(":")
    kept = {"currency": currency, **({"of": of} if of else {})}
    given = {name: args[name] for name in ("from", "to") if args.get(name)}
    return layout.page(
        visit,
        "ledger.html",
        f"{title}: {whose}" if whose else title,
        parts=parts(visit),
        about=f"What moved in {currency.upper()}, the newest first. A balance is debit less credit.",
        days={"from": args.get("from", ""), "to": args.get("to", "")},
        kept=kept,
        zone=place.zone,
        choices=(),
        columns=(
            Column("What"),
            Column("Booked"),
            Column("Document"),
            Column("Other account"),
            Column("Debit", True),
            Column("Credit", True),
            Column("Balance", True),
        ),
        lines=lines,
        feet=[],
        export=None,
        older=visit.to(f"/ledger/accounts/{kind}", **kept, **given, before=found[-1].id) if more else None,
        empty="Nothing moved on this account in these days.",
    )


# ------------------------------------------------------------------------------------- journal


def span(args: Mapping[str, str], zone: str, ending: str = "to") -> Asked:
    """Read the days of an address: until the end of the last one, in the seller's time zone."""
    first, last = args.get("from"), args.get(ending)
    try:
        since = periods.start_of(periods.first_day(first), ZoneInfo(zone)) if first else None
        until = periods.end_of(periods.last_day(last), ZoneInfo(zone)) if last else None
    except OverflowError:
        raise Refused("There is no such day.") from None
    if until and ending == "at":  # balances are those up to and including an instant
        until -= timedelta(microseconds=1)
    return Asked(since=since, until=until)


def asked_of(tx: Tx, args: Mapping[str, str], zone: str) -> Asked:
    """Read what an address asks of the journal: a kind of account, a document by number or id, days."""
    kind, text = args.get("account"), args.get("document", "").replace("\x00", "").strip()[:NUMBER_SIZE]
    require(not kind or kind in CHART, "There is no such account.")
    documents = None
    if text:
        found = tx.tuples(
            "select id from invoices where number = %(text)s"
            " union all select id from credit_notes where number = %(text)s",
            text=text,
        )
        documents = [text, *(id for (id,) in found)]
    return replace(span(args, zone), kind=kind or None, documents=documents, before=args.get("before"))


def journal(visit: Visit) -> flask.Response:
    """List what was posted, the newest first, narrowed by account, document and days."""
    args = flask.request.args
    kept = {name: args[name] for name in ("account", "document", "from", "to") if args.get(name)}
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        found = browse.journal(tx, asked_of(tx, args, place.zone), ON_A_PAGE + 1)
        names = named(tx, found)
    more, found = len(found) > ON_A_PAGE, found[:ON_A_PAGE]
    return layout.page(
        visit,
        "ledger.html",
        "Journal",
        parts=parts(visit),
        about="What was posted, the newest first.",
        days={"from": args.get("from", ""), "to": args.get("to", "")},
        kept={},
        zone=place.zone,
        choices=[(kind, one.title, kind == args.get("account")) for kind, one in CHART.items()],
        document=args.get("document", ""),
        columns=(
            Column("What"),
            Column("Booked"),
            Column("Document"),
            Column("Customer"),
            Column("Debit"),
            Column("Credit"),
            Column("Amount", True),
        ),
        lines=[row(place, names, one) for one in found],
        feet=[],
        export=visit.to("/ledger/journal.csv", **kept) if visit.may("exports.read") else None,
        older=visit.to("/ledger/journal", **kept, before=found[-1].id) if more else None,
        empty="Nothing was posted that matches." if kept else "Nothing is booked yet.",
    )


def named(tx: Tx, found: list[Posted]) -> Names:
    accounts = {key for one in found for line in one.lines for key in (line.debit, line.credit)}
    accounts |= {f"receivable:{one.customer}" for one in found if one.customer}
    return ledger_names.load(tx, accounts, [id for one in found for id in (one.source, one.invoice)])


def row(place: Place, names: Names, one: Posted) -> list[Cell]:
    """Return a line of the journal; a posting of several transfers says how many and what they come to."""
    customer = one.customer or ""
    debited = sorted({ledger_names.account(names, line.debit)[0] for line in one.lines})
    credited = sorted({ledger_names.account(names, line.credit)[0] for line in one.lines})
    currencies = {line.currency for line in one.lines}
    moved = sum(line.amount for line in one.lines)
    return [
        Cell(
            ledger_names.happened(one.event),
            link=place.visit.to(f"/ledger/entries/{one.id}"),
            below=f"of {layout.when(one.dated, place.zone, day=True)}" if one.dated else "",
        ),
        layout.day(one.created, place.zone),
        ledger_names.document(place, names, one.source, one.invoice),
        Cell(names.texts.get(customer, customer), link=place.visit.to(f"/customers/{customer}"))
        if customer
        else NOTHING,
        Cell(", ".join(debited)),
        Cell(", ".join(credited)),
        layout.amount(moved, currencies.pop()) if len(currencies) == 1 else NOTHING,
    ]


def entry(visit: Visit, id: str) -> flask.Response:
    """Show a posting: its transfers, its document, and what else was posted of the same."""
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        found = browse.posting_of(tx, id)
        if found is None:
            raise Refused("There is no such entry.", status=404)
        others = browse.counter_entries(tx, found)
        names = named(tx, [found, *others])
    customer = found.customer or ""
    pairs = [
        ("Document", ledger_names.document(place, names, found.source, found.invoice)),
        (
            "Customer",
            Cell(names.texts.get(customer, customer), link=visit.to(f"/customers/{customer}"))
            if customer
            else NOTHING,
        ),
        ("Booked", Cell(layout.when(found.created, place.zone))),
        ("Happened", Cell(layout.when(found.dated or found.created, place.zone), below=late_text(found))),
        ("Source", facts.id_of(found.source)),
        ("Entry", facts.id_of(found.id)),
    ]
    return layout.page(
        visit,
        "ledger_entry.html",
        ledger_names.happened(found.event),
        pairs=pairs,
        columns=(Column("Debit"), Column("Credit"), Column("Amount", True)),
        lines=[
            [
                ledger_names.account_cell(place, names, line.debit, line.currency),
                ledger_names.account_cell(place, names, line.credit, line.currency),
                layout.amount(line.amount, line.currency),
            ]
            for line in found.lines
        ],
        other_columns=(Column("What"), Column("Booked")),
        others=[
            [
                Cell(ledger_names.happened(one.event), link=visit.to(f"/ledger/entries/{one.id}")),
                layout.day(one.created, place.zone),
            ]
            for one in others
        ],
    )


def late_text(found: Posted) -> str:
    return "Its period was closed, so it is booked in the next open one." if found.dated else ""


def exported(visit: Visit) -> flask.Response:
    """Send the journal as CSV, a part at a time: one line for each transfer."""
    args = flask.request.args
    with visit.desk.db.transaction(visit.tenant) as tx:
        visit.note(tx, "exports.read", "ledger/journal")
        zone = facts.place_of(visit, tx).zone
        asked = asked_of(tx, args, zone)

    def sent() -> Iterator[str]:
        yield written([HEADINGS])
        wanted = replace(asked, before=None)
        with visit.reads(JOB) as tx:
            place = facts.place_of(visit, tx)
            while found := browse.journal(tx, wanted, IN_A_PART):
                names = named(tx, found)
                yield written([cells for one in found for cells in transfers(place, names, one)])
                wanted = replace(wanted, before=found[-1].id)

    headers = {**frame.HEADERS, "Content-Disposition": 'attachment; filename="journal.csv"'}
    return flask.Response(sent(), mimetype="text/csv", headers=headers)


def transfers(place: Place, names: Names, one: Posted) -> Iterator[tuple[str, ...]]:
    about = (
        one.id,
        one.created.isoformat(),
        (one.dated or one.created).isoformat(),
        one.event,
        one.source,
        ledger_names.document(place, names, one.source, one.invoice).text,
        names.texts.get(one.customer or "", one.customer or ""),
    )
    for line in one.lines:
        yield (
            *about,
            *ledger_names.account(names, line.debit),
            *ledger_names.account(names, line.credit),
            str(layout.in_main_unit(line.amount, line.currency)),
            line.currency,
        )


def written(lines: list[tuple[str, ...]]) -> str:
    """Write lines of CSV; no text in them is a formula."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [reports.harmless(cell) for cell in one] for one in lines
    )
    return text.getvalue()
