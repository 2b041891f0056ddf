"""Serve a customer's usage by day in the billing portal: a chart, a table, and the same as CSV."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import flask
from babel.dates import format_skeleton
from babel.numbers import format_decimal

from billow import reports
from billow.api import rows
from billow.core import lifecycle
from billow.flows.reporting import focus
from billow.flows.usage import daily_usage
from billow.flows.usage.daily_usage import Daily
from billow.pages import checkout_view, frame, portal_layout, usage_chart
from billow.pages.portal_entry import Entry
from billow.pages.words import Words
from billow.resources.meter import Meter
from billow.store.tx import Tx

YEAR = timedelta(days=366)
METERED = """
    select p.recurring ->> 'meter' as meter, min(coalesce(i.metered_from, i.current_period_start)) as start,
        max(i.current_period_end) as until
    from subscriptions s join subscription_items i on i.subscription = s.id join prices p on p.id = i.price
    where s.customer = %(customer)s and s.status <> all(%(ended)s) and not s.provisional
    and p.recurring ->> 'meter' is not null
    group by 1 order by 2, 1"""


def meters_of(tx: Tx, customer: str) -> list[tuple[Meter, datetime, datetime]]:
    """Return the meters of what a customer has subscribed to, each with its running period."""
    found = tx.tuples(METERED, customer=customer, ended=list(lifecycle.ENDED))
    meters = rows.find_many(tx, Meter, [id for id, _, _ in found])
    return [(meters[id], start, until) for id, start, until in found if id in meters]


def shown(tx: Tx, entry: Entry, args: Mapping[str, str]) -> flask.Response:
    """Show the usage of one meter: in all, or by a dimension; the period before can be looked at as well."""
    meters, words = meters_of(tx, entry.customer.id), entry.words
    if args.get("as") == "focus":
        return charges(tx, entry.customer.id)
    if not meters:
        return frame.see(entry.home)
    named = {meter.id: (meter, start, until) for meter, start, until in meters}
    meter, start, until = named.get(args.get("meter", ""), meters[0])
    before = args.get("period") == "before"
    span = (start - (until - start), start) if before else (start, min(until, tx.now + timedelta(seconds=1)))
    dimensions = daily_usage.dimensions(tx, meter, entry.customer.id, *span)
    by = args.get("by", "")
    if by in dimensions:
        found = daily_usage.by_dimension(tx, meter, entry.customer.id, span, by)
    else:
        by, found = "", daily_usage.by_day(tx, meter, entry.customer.id, *span)
    if args.get("as") == "csv":
        return exported(meter, by, found)
    chosen = {"show": "usage", "meter": meter.id, "by": by, "period": "before" if before else ""}
    labels = [value if value is not None else words("usage_rest") if by else "" for value, _ in found.series]
    if not any(found.totals):
        drawn = None
    else:
        days = [str(format_skeleton("MMMd", day, locale=words.region)) for day in found.days]
        series = [(name, values) for name, (_, values) in zip(labels, found.series, strict=True)]
        title = words("usage_chart", name=meter.display_name)
        drawn = usage_chart.stacked(days, series, title)
    return portal_layout.page(
        tx,
        entry,
        "portal_usage.html",
        "usage",
        by=by,
        chart=drawn,
        chosen=chosen,
        csv=portal_layout.link(entry, **chosen, **{"as": "csv"}),
        focus=portal_layout.link(entry, show="usage", **{"as": "focus"}),
        days=[
            (
                checkout_view.day_in(day, words, UTC),
                [written(values[place], words) for _, values in found.series],
            )
            for place, day in enumerate(found.days)
        ],
        dimensions=dimensions,
        labels=labels,
        meter=meter.display_name,
        meters=[(one.id, one.display_name) for one, _, _ in meters],
        period=" – ".join(checkout_view.day_in(at, words, UTC) for at in span),
        total=written(sum(found.totals, Decimal(0)), words) if formula_adds(meter) else None,
        totals=[written(sum(values, Decimal(0)), words) for _, values in found.series],
    )


def formula_adds(meter: Meter) -> bool:
    """Check whether days can be added up: of the last value of each day there is no sum."""
    return meter.default_aggregation["formula"] != "last"


def written(value: Decimal, words: Words) -> str:
    return str(format_decimal(value, format="#,##0.######", locale=words.region))


def charges(tx: Tx, customer: str) -> flask.Response:
    """Return what was invoiced in the last year, in the FOCUS format."""
    table = focus.export(tx, customer, tx.now - YEAR, tx.now + timedelta(seconds=1))
    name = {"Content-Disposition": 'attachment; filename="focus.csv"'}
    return flask.Response(reports.csv(table), mimetype="text/csv", headers={**frame.HEADERS, **name})


def exported(meter: Meter, by: str, found: Daily) -> flask.Response:
    """Return the days as CSV; a text that a spreadsheet would calculate is marked as one."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["day", "meter", *([reports.harmless(by)] if by else []), "usage"])
    for value, values in found.series:
        for day, amount in zip(found.days, values, strict=True):
            named: list[Any] = [reports.harmless(value or "")] if by else []
            writer.writerow(
                [day.date().isoformat(), reports.harmless(meter.display_name), *named, f"{amount:f}"]
            )
    name = {"Content-Disposition": 'attachment; filename="usage.csv"'}
    return flask.Response(text.getvalue(), mimetype="text/csv", headers={**frame.HEADERS, **name})
