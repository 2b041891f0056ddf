"""Billing runs on screens: what a day made, what failed and why, and jobs that are run again."""

from collections.abc import Callable

from billow.app import App
from billow.store import jobs
from tests.conftest import new_caller
from tests.dashboard.conftest import Person
from tests.support.world import World


def test_a_day_says_what_it_made_and_why_a_payment_failed(shop: World, owner: Person) -> None:
    assert "1 Feb 2026 2 2 1 1 0 US$40.00" in owner.reads("/runs")
    said = owner.reads("/runs/2026-02-01")
    assert "2 done, 0 to go" in said and "Done" in said
    failed = said.split("Could not be charged", 1)[1]
    assert "Carl" in failed and "declined" in failed and "Anna" not in failed
    assert "no invoice by itself on this day" in owner.reads("/runs/2026-01-20")
    for wrong in ("today", "9999-12-31"):
        assert owner.opens(f"/runs/{wrong}").status_code == 404


def park(app: App, tenant: str, ref: str) -> None:
    with app.db.transaction(tenant) as tx:
        jobs.put(tx, "invoice.finalize", ref, tx.wall)
    with app.db.transaction(tenant) as tx:
        tx.run(
            "update jobs set parked = true, tries = 5, error = %(error)s where ref = %(ref)s",
            error="Traceback\nValueError: no <b>",
            ref=ref,
        )


def test_jobs_that_were_given_up_are_run_again_of_this_account_only(
    app: App, shop: World, owner: Person, hire: Callable[..., Person]
) -> None:
    other = new_caller(app)
    park(app, shop.api.tenant, "in_ours")
    park(app, other.tenant, "in_theirs")
    page = owner.opens("/runs").text
    assert "in_ours" in page and "ValueError: no &lt;b&gt;" in page and "in_theirs" not in page
    assert "Jobs that were given up 1" in owner.reads("")
    assert hire("support").sends("/runs", act="retry", kind="invoice.finalize").status_code == 403
    assert owner.sends("/runs", act="retry", kind="nothing").status_code == 422
    assert owner.sends("/runs", act="retry", kind="invoice.finalize").status_code == 303
    with app.db.connection() as conn:
        found = dict(
            conn.execute("select ref, parked from jobs where ref in ('in_ours', 'in_theirs')").fetchall()
        )
        conn.execute("delete from jobs where ref in ('in_ours', 'in_theirs')")
    assert found == {"in_ours": False, "in_theirs": True}
    assert "runs.retry" in owner.reads("/audit")
