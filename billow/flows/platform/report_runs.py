"""Run reports that are asked for through the API, and keep the answers as files."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from billow import reports
from billow.api import fields as f
from billow.api import params, render, rows
from billow.api.fields import CREATE, instant, seconds
from billow.api.params import Params
from billow.api.resource import Where, route
from billow.core.errors import Refused, require
from billow.core.money import CURRENCIES
from billow.flows.platform import files
from billow.flows.reporting import recurring_revenue
from billow.flows.reporting.report_types import TYPES, Asked, Type
from billow.resources.payout import Payout
from billow.resources.report_run import Parameters, ReportRun
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

log = logging.getLogger("billow.reports")
JOB = "report_run.answer"
PATH = "/v1/reporting/report_types"
PURPOSE = "finance_report_run"


class Create(Params):
    parameters: Parameters | None = f.nested(CREATE, shape=Parameters)
    report_type: str = f.text(CREATE, required=True)


class Filters(Params):
    pass


@ReportRun.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List report runs, newest first."""
    return Where()


@ReportRun.create(Create)
def create(tx: Tx, wanted: Create) -> ReportRun:
    """Run a report. It is `pending` until its file is there, which an event says."""
    sent = wanted.parameters.sent() if wanted.parameters else {}
    asked = {name: seconds(value) if isinstance(value, datetime) else value for name, value in sent.items()}
    check(tx, type_of(wanted.report_type, "report_type"), asked)
    run = rows.insert(tx, ReportRun(report_type=wanted.report_type, parameters=asked), event=None)
    jobs.put(tx, JOB, run.id, tx.wall, clock="wall")
    return run


def type_of(id: str, param: str, status: int = 400) -> Type:
    if id not in TYPES:
        raise Refused(f"No such report type: '{id}'", param=param, code="resource_missing", status=status)
    return TYPES[id]


def check(tx: Tx, kind: Type, asked: Mapping[str, Any]) -> None:
    """Refuse what a type of report does not take, and what is no currency, time zone, column or payout."""
    for name in kind.required:
        at = f"parameters[{name}]"
        require(asked.get(name), f"Missing required param: {at}.", param=at, code="parameter_missing")
    for name in asked:
        at = f"parameters[{name}]"
        known = name in kind.required or name in kind.optional
        require(known, f"Received unknown parameter: {at}", param=at, code="parameter_unknown")
    start, end = (asked.get(name) for name in ("interval_start", "interval_end"))
    order = "The parameter `interval_start` must be before `interval_end`."
    require(not (start and end) or start < end, order, param="parameters[interval_start]")
    for name, allowed in (("currency", CURRENCIES), ("timezone", available_timezones())):
        fits = name not in asked or asked[name] in allowed
        require(fits, f"Invalid {name}: {asked.get(name)}", param=f"parameters[{name}]")
    for column in asked.get("columns") or ():
        require(column in kind.columns, f"Invalid column: {column}", param="parameters[columns]")
    if "payout" in asked:
        rows.find(tx, Payout, asked["payout"], param="parameters[payout]")


@job(JOB)
def answer(tx: Tx, refs: list[str]) -> None:
    """Run a report, and keep its rows as a CSV file; where it is refused, say why."""
    if not rows.find_many(tx, ReportRun, refs):
        raise jobs.RowMissing(f"There is no report run {refs[0]}.")
    run = rows.lock(tx, ReportRun, refs[0])
    if run.status != "pending":
        return
    while not recurring_revenue.read(tx):
        continue
    try:
        text = reports.csv(table_of(tx, run))
    except Refused as refused:
        fail(tx, run, str(refused))
        return
    except (ValueError, OverflowError):  # what no calendar holds is no better at the next try
        log.exception("report run %s failed", run.id)
        fail(tx, run, "The report could not be made of these parameters.")
        return
    name = f"{run.report_type}-{run.id}.csv"
    file = files.store(tx, params.Upload(name, text.encode()), PURPOSE, None)
    rows.emit(tx, [(file, None)], "created")
    changes = {"status": "succeeded", "result": file.id, "succeeded_at": tx.now}
    rows.update(tx, run, event="reporting.report_run.succeeded", **changes)


def fail(tx: Tx, run: ReportRun, error: str) -> None:
    rows.update(tx, run, event="reporting.report_run.failed", status="failed", error=error)


def table_of(tx: Tx, run: ReportRun) -> reports.Table:
    """Return the rows of a run, with the columns that it asks for."""
    asked = run.parameters
    kind = type_of(run.report_type, "report_type")
    start, end = asked.get("interval_start"), asked.get("interval_end")
    table = kind.run(
        tx,
        Asked(
            start=instant(start),
            end=instant(end) or tx.now,
            currency=asked.get("currency"),
            payout=asked.get("payout"),
            category=asked.get("reporting_category"),
            zone=asked.get("timezone") or "Etc/UTC",
        ),
    )
    if not asked.get("columns"):
        return table
    places = [list(table.columns).index(column) for column in asked["columns"]]
    return reports.Table(asked["columns"], [[row[place] for place in places] for row in table.rows])


# ------------------------------------------------------------------------------------- types


@route("GET", PATH)
def types(tx: Tx) -> dict[str, Any]:
    """List the types of reports that can be run."""
    return render.page([shown(tx, one) for one in TYPES.values()], False, PATH)


@route("GET", f"{PATH}/{{id}}")
def retrieve_type(tx: Tx, id: str) -> dict[str, Any]:
    """Retrieve a type of report."""
    return shown(tx, type_of(id, "report_type", status=404))


def shown(tx: Tx, kind: Type) -> dict[str, Any]:
    """Return a type of report with when its data begin and end: the account's beginning, and now."""
    if "begun" not in tx.notes:
        [(tx.notes["begun"],)] = tx.tuples("select created from accounts where id = %(id)s", id=tx.account)
    takes = "columns" in kind.optional
    return {
        "id": kind.id,
        "object": "reporting.report_type",
        "data_available_end": int(tx.now.timestamp()),
        "data_available_start": int(tx.notes["begun"].timestamp()),
        "default_columns": list(kind.columns) if takes else None,
        "livemode": tx.livemode,
        "name": kind.name,
        "updated": int(tx.now.timestamp()),
        "version": 1,
    }
