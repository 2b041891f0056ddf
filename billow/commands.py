"""Do the work of the commands: each returns rows or text, and `__main__.py` prints them."""

import inspect
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from billow import check as checking
from billow import reports
from billow.api import rows
from billow.api.operation import verbs
from billow.api.resource import ROUTES
from billow.api.versions.known import checked
from billow.app import App
from billow.core.errors import Refused, require
from billow.core.money import CURRENCIES, show
from billow.flows.catalog import catalog_file
from billow.flows.invoices.explain import explain as explained
from billow.flows.outside import books, home_currency
from billow.flows.outside.outside import has_gateway
from billow.flows.outside.seller import seller_of
from billow.flows.platform import api_keys, missing_timers
from billow.flows.reporting import answers
from billow.flows.taxes import registered
from billow.flows.usage import import_file
from billow.ledger import audit
from billow.ledger.journal import journal
from billow.providers.gateways.simulated import Simulated
from billow.providers.gateways.simulated_answers import Known
from billow.resources.api_key import ApiKey
from billow.resources.invoice import Invoice
from billow.store import archive_lag, backlog, jobs, migrate
from billow.store.ids import new_id
from billow.store.keys import PREFIX
from billow.store.tx import Database


def tenant(built: App, mode: str) -> str:
    require(mode in ("test", "live"), f"The mode is test or live, not {mode}.")
    return f"{built.account}/{mode}"


def explain(built: App, invoice: str) -> list[str]:
    """Explain an invoice of any account and mode: whoever can run commands may read all of them."""
    with built.db.connection() as conn:
        owners = [
            row[0] for row in conn.execute("select distinct tenant from api_keys order by tenant").fetchall()
        ]
    for owner in owners:
        with built.db.transaction(owner) as tx:
            found = rows.find_many(tx, Invoice, [invoice]).get(invoice)
            if found:
                return explained(tx, found)
    with built.db.transaction(tenant(built, "test")) as tx:
        raise rows.no_such(tx, Invoice, invoice)


def report(built: App, name: str, since: str, until: str, mode: str) -> reports.Table:
    """Run a report from a day, month or time to another, as somebody writes them where the seller is."""
    known = reports.reports()
    require(name in known, f"There is no report {name}; there are {', '.join(sorted(known))}.")
    answers.bring_up_to_date(built.db, tenant(built, mode), name)
    with built.db.transaction(tenant(built, mode)) as tx:
        now = tx.wall.isoformat()
        start, end = books.span(tx, since, until or now)
        usual = answers.usual_end(tx)
        instants = {"from": start, "to": end if until else usual, "at": end}
        return answers.answer(tx, name, **{param: instants[param] for param in known[name].params})


def major(table: reports.Table) -> list[list[Any]]:
    """Format rows for people: integers in a row with a currency are amounts of money."""
    place = table.columns.index("currency") if "currency" in table.columns else None
    return [
        [show(cell, row[place]) if place is not None and isinstance(cell, int) else cell for cell in row]
        for row in table.rows
    ]


def journal_text(built: App, mode: str) -> str:
    with built.db.transaction(tenant(built, mode)) as tx:
        return journal(tx, books.numbers_used(tx))


def routes() -> list[list[str]]:
    """List method, path, function and source line of each endpoint."""
    found = []
    for verb in verbs(ROUTES):
        function = inspect.unwrap(verb.run)
        file = Path(inspect.getsourcefile(function) or "").name
        line = inspect.getsourcelines(function)[1]
        found.append([verb.method, verb.path, function.__name__, f"{function.__module__}:{file}:{line}"])
    return sorted(found, key=lambda row: (row[1], row[0]))


def key_rows(built: App, mode: str) -> list[list[Any]]:
    """List each key with its kind, hint and times, and the permissions of a restricted one."""
    with built.db.transaction(tenant(built, mode)) as tx:
        return [
            [
                key.id,
                key.name,
                key.kind,
                key.hint,
                may(key.permissions),
                key.created,
                key.last_used_at,
                key.expires_at,
            ]
            for key in rows.select(tx, ApiKey, "true", "order by created, id")
        ]


def may(permissions: dict[str, str]) -> str:
    return ", ".join(f"{noun}={right}" for noun, right in sorted(permissions.items()))


def create_key(built: App, mode: str, kind: str, name: str, permissions: list[str]) -> str:
    """Create a key and return its secret, which is shown only now. Permissions look like customers=read."""
    pairs = [text.partition("=") for text in permissions]
    require(all(sign for _, sign, _ in pairs), "A permission is given as noun=read or noun=write.")
    require(kind in PREFIX, f"The kind is {', '.join(PREFIX)}, not {kind}.")
    with built.db.transaction(tenant(built, mode)) as tx:
        wanted = ApiKey(kind=kind, name=name or None, permissions={noun: right for noun, _, right in pairs})
        return str(api_keys.create(tx, wanted)["secret"])


def roll_key(built: App, mode: str, id: str, minutes: int) -> str:
    with built.db.transaction(tenant(built, mode)) as tx:
        wanted = api_keys.Roll(expires_in=minutes * 60)
        return str(api_keys.roll(tx, rows.lock(tx, ApiKey, id), wanted)["secret"])


def account_rows(built: App) -> list[list[Any]]:
    """Return the accounts, each by the name that its papers have, which may have changed since."""
    with built.db.connection() as conn:
        found = conn.execute(
            "select id, created, upcoming_days, will_be_due_days, api_version from accounts"
            " order by created, id"
        ).fetchall()
    return [[id, name_of(built, id), *rest] for id, *rest in found]


def name_of(built: App, account: str) -> str:
    with built.db.snapshot(f"{account}/test") as tx:  # both modes are of one seller
        return seller_of(tx).name


def set_account(built: App, upcoming: int | None, will_be_due: int | None, version: str) -> None:
    """Set how many days ahead an account hears of renewals and due dates, and its version of Stripe's API.

    None, and an empty version, change nothing.
    """
    for days in (upcoming, will_be_due):
        require(days is None or 0 <= days <= 45, "The days are 0 (never) to 45.")
    with built.db.connection() as conn:
        conn.execute(
            "update accounts set upcoming_days = coalesce(%s, upcoming_days),"
            " will_be_due_days = coalesce(%s, will_be_due_days), api_version = coalesce(%s, api_version)"
            " where id = %s",
            (upcoming, will_be_due, checked(version) if version else None, built.account),
        )


def create_account(built: App, name: str, country: str = "US") -> tuple[str, list[str]]:
    """Create an account in a country, whose currency it has; return its id and first keys: test and live."""
    require(name.strip(), "An account has a name.")
    id, now = new_id("acct_"), built.db.wall()
    currency = home_currency.usual(country, now.date())
    require(currency in CURRENCIES, f"{country} is no country with two letters, as SE.")
    with built.db.connection() as conn:
        conn.execute(
            "insert into accounts (id, name, country, default_currency, created) values (%s, %s, %s, %s, %s)",
            (id, name, country.upper(), currency, now),
        )
    return id, [built.keys.create(f"{id}/{mode}", now=now) for mode in ("test", "live")]


def export_catalog(built: App, mode: str) -> str:
    with built.db.transaction(tenant(built, mode)) as tx:
        return catalog_file.export(tx)


def apply_catalog(built: App, mode: str, text: str, *, really: bool) -> list[list[str]]:
    """Apply a catalog file, or plan it: return action, section, key and fields of each change."""
    owner = tenant(built, mode)
    if really:
        with built.db.transaction(owner) as tx:
            steps = catalog_file.apply(tx, text)
    else:
        steps = catalog_file.plan(built.db, owner, text)
    return [[step.action, step.section, step.key, ", ".join(step.fields)] for step in steps]


def meters(given: list[str]) -> dict[str, Any]:
    """Parse meter options: `calls=count` reads the column count, `calls=1` counts one per row."""
    pairs = [text.partition("=") for text in given]
    require(all(sign for _, sign, _ in pairs), "A meter is given as event_name=column, or event_name=1.")
    return {name: 1 if column == "1" else column for name, _, column in pairs}


def import_usage(
    built: App,
    file: Path,
    mapping: Path | None,
    flags: dict[str, Any],
    *,
    older: bool,
    mode: str,
    progress: Callable[[int, int], None],
) -> import_file.Imported:
    """Import a file with the mapping of a TOML file, of flags, or of both: a flag wins."""
    try:
        given = tomllib.loads(mapping.read_text()) if mapping else {}
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{mapping} is not TOML: {error}") from None
    columns = import_file.mapping_of({**given, **{name: value for name, value in flags.items() if value}})
    return import_file.import_usage(
        built.db, tenant(built, mode), file, columns, older=older, progress=progress
    )


# ------------------------------------------------------------------------------------- jobs


def job_rows(built: App) -> list[list[Any]]:
    with built.db.connection() as conn:
        found = backlog.backlog(conn, built.db.wall())
    return [
        [one.kind, one.lane, one.due, one.overdue, one.waiting, one.parked, f"{one.lag} s"] for one in found
    ]


def stuck_rows(built: App, *, parked: bool) -> list[list[Any]]:
    with built.db.connection() as conn:
        found = backlog.stuck(conn, parked=parked)
    return [
        [one.kind, one.ref, one.tenant, one.tries, one.since, None if parked else one.run_at, one.reason]
        for one in found
    ]


def retry_jobs(built: App, which: str) -> int:
    """Make parked and waiting jobs of a kind, of a ref, or all, due now; return how many."""
    built.db.check_clock()
    with built.db.connection() as conn:
        done = backlog.retry(conn, built.db.wall(), which)
    if not done and which != "all" and which not in jobs.KINDS:
        kinds = ", ".join(sorted(jobs.KINDS))
        raise Refused(f"No job of the kind or ref {which} is parked or waits. The kinds are {kinds}.")
    return done


# ------------------------------------------------------------------------------------- check


def agree_with_gateway(built: App, memory: Path) -> tuple[int, int]:
    """Make the simulated gateway agree with restored books; return how many attempts it lost and gained."""
    known: list[Known] = []
    for account in [row[0] for row in account_rows(built)]:
        for mode in ("test", "live"):
            with built.db.transaction(f"{account}/{mode}") as tx:
                known += [Known(*row) for row in tx.tuples(ATTEMPTS)]
    gateway = Simulated(memory)
    try:
        return gateway.agree_with(known)
    finally:
        gateway.close()


ATTEMPTS = (
    "select id, case when kind = 'charge' and not capture then 'hold'"
    " when kind = 'capture' and not final then 'part' else kind end, amount, currency, token,"
    " state, wishes from attempts order by id"
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What `billow check` is to check. Without a tenant it checks all of them."""

    tenant: str = ""
    repair: bool = False
    full: bool = False
    since: tuple[str, ...] = ()
    """Hashes of seals that earlier checks printed."""
    gateways: bool = False
    """Whether to compare what is recorded with what the gateways say."""
    archive: bool = False
    """Whether the settings say that the log of the embedded database is to be archived."""


def check(db: Database, wanted: Checked) -> Iterator[checking.Line]:
    """Yield findings: whether it is good, and what was checked. Only a repair writes anything."""
    for noted in wanted.since:
        require(re.fullmatch("[0-9a-f]{64}", noted), f"{noted} is no hash of a seal: 64 hexadecimal digits.")
    waiting, installation = _installation(db)
    yield from installation
    if waiting:
        return
    yield from _archived(db, wanted.archive)
    for noted in wanted.since:
        if not any(_has_seal(db, tenant, noted) for tenant in _tenants(db, wanted.tenant)):
            yield False, f"ledger: the noted head {noted} is in no chain"
    for tenant in _tenants(db, wanted.tenant):
        if wanted.repair:
            yield True, f"{tenant} timers that were missing or moved and are set: {_repaired(db, tenant)}"
        yield from checking.check(db, tenant, checking.Wish(wanted.full, wanted.since, wanted.gateways))
        yield from _collected(db, tenant)
        yield from undeliverable(db, tenant)
        yield from _unnamed(db, tenant)


def _installation(db: Database) -> tuple[list[str], list[checking.Line]]:
    """Return the pending migrations, and the findings about roles and policies."""
    with db.connection() as conn:
        waiting = migrate.pending(conn)
        role = conn.execute(
            "select current_user, rolsuper or rolbypassrls from pg_roles where rolname = current_user"
        )
        name, unbound = role.fetchone() or ("?", True)
        bare = [
            row[0]
            for row in conn.execute(
                "select c.relname from pg_class c"
                " join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant'"
                " where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace"
                " and not c.relforcerowsecurity and c.relname not in ('jobs', 'api_keys') order by 1"
            ).fetchall()
        ]
    bare_database = len(waiting) == len(migrate.available())
    said = "none is applied, the database holds nothing of billow" if bare_database else ", ".join(waiting)
    return waiting, [
        (not waiting, f"migrations: {said or 'all applied'}"),
        (not unbound, f"the role {name} is bound by row level security"),
        (not bare, f"row level security on every table of a tenant: {', '.join(bare) or 'yes'}"),
    ]


def _archived(db: Database, wanted: bool) -> Iterator[checking.Line]:
    """Check that the archive of the log keeps up with the server; without an archive, yield nothing."""
    with db.connection() as conn:
        fault = archive_lag.fault(conn, db.wall(), wanted)
        if fault:
            yield False, f"archive of the log: {fault}"
        elif archive_lag.position(conn):
            yield True, "archive of the log: it follows the server"


def _tenants(db: Database, wanted: str) -> list[str]:
    with db.connection() as conn:
        accounts = conn.execute("select id from accounts order by created, id").fetchall()
    known = [f"{account}/{mode}" for (account,) in accounts for mode in ("test", "live")]
    require(not wanted or wanted in known, f"There is no tenant {wanted}; a tenant is {known[0]}.")
    return [wanted] if wanted else known


def _collected(db: Database, tenant: str) -> Iterator[checking.Line]:
    """Count the open invoices that no gateway collects. It is no fault: live mode has no gateway yet."""
    with db.snapshot(tenant) as tx:
        if has_gateway(tx):
            return
        row = tx.one(
            "select count(*) as n from invoices where status = 'open'"
            " and collection_method = 'charge_automatically'"
        )
    count = row["n"] if row else 0
    waiting = "1 open invoice waits" if count == 1 else f"{count} open invoices wait"
    yield True, f"{tenant} has no payment gateway: {waiting} to be paid out of band"


def undeliverable(db: Database, tenant: str) -> Iterator[checking.Line]:
    """Find open invoices whose mail cannot be delivered: correct the address and send them again."""
    with db.snapshot(tenant) as tx:
        found = rows.select(tx, Invoice, "mail_error is not null and status = 'open'", "order by id")
    reasons = ", ".join(f"{invoice.id}: {invoice.mail_error}" for invoice in found[:5])
    if found:
        yield False, f"{tenant} open invoices whose mail cannot arrive: {len(found)} ({reasons})"


def _unnamed(db: Database, tenant: str) -> Iterator[checking.Line]:
    """Find what the papers of a registered seller lack by law."""
    with db.snapshot(tenant) as tx:
        found = registered.lacking(tx)
    yield from ((False, f"{tenant} {one}") for one in found)


def _has_seal(db: Database, tenant: str, noted: str) -> bool:
    with db.snapshot(tenant) as tx:
        return audit.place_of(tx, bytes.fromhex(noted)) is not None


def _repaired(db: Database, tenant: str) -> int:
    """Set missing and moved timers in batches, each in a transaction; return how many."""
    done = 0
    while True:
        with db.transaction(tenant) as tx:
            some = missing_timers.repair(tx, moved=True)
        done += some
        if some < missing_timers.MAX_TIMERS:
            return done
