"""Report runs: reports that were asked for through the API, with the file that answers."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.params import Params
from billow.api.resource import Resource

STATUSES = ("failed", "pending", "succeeded")


class Parameters(Params):
    columns: list[str] | None = f.array(item=f.text())
    connected_account: str | None = f.text()
    currency: str | None = f.text()
    interval_end: datetime | None = f.timestamp()
    interval_start: datetime | None = f.timestamp()
    payout: str | None = f.text()
    reporting_category: str | None = f.text()
    timezone: str | None = f.text()


class ReportRun(
    Resource,
    object="reporting.report_run",
    path="/v1/reporting/report_runs",
    prefix="frr_",
    table="report_runs",
    events=("failed", "succeeded"),
):
    """A report that is run once. It is pending until its file is there, or until it has failed."""

    error: str | None = f.text()
    parameters: dict[str, Any] = f.nested(default={})
    report_type: str = f.text(required=True)
    result: str | None = f.ref("file", embed=True)
    status: str = f.choice(f.SHOWN, *STATUSES, default="pending")
    succeeded_at: datetime | None = f.timestamp()
