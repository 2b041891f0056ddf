"""Put the parts of billow together; this is the only file that imports them all."""

import gc
import importlib
import logging
import os
import pkgutil
from dataclasses import dataclass, replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import flask
import psycopg

from billow import flows, resources
from billow.api.front import Front
from billow.api.limits import Limits
from billow.api.operation import verbs
from billow.api.resource import ROUTES
from billow.api.server import Server
from billow.core import dunning
from billow.core.bank.matching import Rules
from billow.core.bank.seller import SellerAccount
from billow.core.errors import require
from billow.core.plain_text import plain, plain_lines
from billow.flows.outside.gateways import Configured
from billow.flows.outside.outside import Outside
from billow.flows.platform import retention
from billow.flows.platform.interrupted_requests import outcome_of
from billow.pages import (
    authentication,
    checkout,
    connected_account,
    description,
    elsewhere,
    frame,
    gateway_notices,
    hosted_credit_note,
    hosted_invoice,
    hosted_receipt,
    logo,
    mandate_page,
    method_update,
    metrics,
    portal,
    portal_login,
    shared_file,
)
from billow.pages.dashboard import screens
from billow.providers.egress import Egress
from billow.providers.gateways.bank import Bank
from billow.providers.gateways.manual import Manual
from billow.providers.gateways.sepa_debit import SepaDebit
from billow.providers.gateways.simulated import Simulated
from billow.providers.gateways.stripe import Stripe
from billow.providers.mail import Mailer
from billow.providers.mail.outbox import Outbox
from billow.providers.mail.smtp import Smtp
from billow.providers.places.maxmind import MaxMind
from billow.providers.registers.vies import Vies
from billow.settings import Settings, load, pepper
from billow.store import clocks, jobs, migrate
from billow.store.disk import Disk
from billow.store.embedded import url_of
from billow.store.ids import secret
from billow.store.keys import Keys
from billow.store.request_log import RequestLog
from billow.store.turns import Waiters
from billow.store.tx import Database
from billow.streams import FORMAT

CALLERS_PATIENCE = 0.8
"""Seconds that a request waits for a database connection before it is answered 503."""
SEEDING = 0x73656564  # "seed"


def load_all(package: ModuleType) -> None:
    """Import every module of a package and of its groups, so that what they declare is registered."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(found.name)


load_all(resources)
load_all(flows)


@dataclass(frozen=True, slots=True)
class App:
    """A billing system that is ready to serve; `new_key` is the test key if it was created just now."""

    db: Database
    keys: Keys
    server: Server
    account: str
    new_key: str | None

    @property
    def wsgi(self) -> flask.Flask:
        return self.server.app

    def close(self) -> None:
        self.db.close()


NEW_OBJECTS = 50_000
"""How many objects Python makes between two searches for garbage. A batch of a billing run keeps that many
alive until it ends; with Python's 700, searching among them in vain takes a fifth of its computing time."""


def build(settings: Settings, url: str) -> App:
    """Build the system on a migrated database."""
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
    db = Database(url, size=pool_size(settings), waiters=Waiters(settings.threads // 2))
    try:
        return _built(settings, db)
    except BaseException:
        db.close()
        raise


def _built(settings: Settings, db: Database) -> App:
    db.comparison = clocks.Comparison(timedelta(seconds=settings.clock_tolerance))
    db.outside = outside_of(settings, db)
    if db.url == url_of(settings.data / "postgres"):
        db.disk = Disk(settings.data / "postgres", settings.disk_reserve_mb)
    keys = Keys(db, pepper(settings))
    account, new_key = seed(db, keys, settings)
    with db.connection() as conn:
        retention.plan(conn, db.wall())
    if settings.account:
        account = known_account(db, settings.account)
    limits = Limits(settings.rate_limit_live, settings.rate_limit_test)
    server = Server(db, keys, ROUTES, limits, outcome_of)
    _pages(server, db)
    metrics.add(server.app, db, settings.metrics_token)
    newest = [verb for verb in verbs(server.routes) if not verb.until]
    description.add(server.app, newest, settings.base_url)
    frame.add(server.app)
    logo.add(server.app, db)
    checkout.add(server.app, db, db.outside)
    hosted_invoice.add(server.app, db, db.outside)
    hosted_credit_note.add(server.app, db, db.outside)
    method_update.add(server.app, db, db.outside)
    authentication.add(server.app, db, db.outside)
    portal.add(server.app, db, db.outside)
    portal_login.add(server.app, db, db.outside)
    connected_account.add(server.app, db, db.outside)
    shared_file.add(server.app, db)
    hosted_receipt.add(server.app, db, db.outside)
    mandate_page.add(server.app, db, db.outside)
    gateway_notices.add(server.app, db)
    elsewhere.add(server.app, db, db.outside)
    screens.add(server.app, db)
    return App(db, keys, server, account, new_key)


def outside_of(settings: Settings, db: Database) -> Outside:
    """Build the connections to gateways, mail and webhooks that the settings describe."""
    egress = Egress(settings.webhook_allow_private)
    mailer: Mailer = Smtp(settings.smtp_url) if settings.smtp_url else Outbox(settings.data / "outbox")
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Outside(
        gateways={"test": Simulated(settings.data / "gateway.sqlite", today=lambda: db.wall())},
        mailer=mailer,
        seller_name=settings.seller_name,
        seller_address=settings.seller_address,
        seller_tax_id=settings.seller_tax_id,
        base_url=settings.base_url,
        mail_from=settings.mail_from,
        mail_senders=settings.mail_senders,
        posting=egress.posting,
        secret=pepper(settings),
        account=seller_account(settings),
        bank=Rules(settings.bank_tolerance, settings.bank_overpayment),
        configured=Configured(
            {
                "bank": lambda route: Bank(route.name),
                "manual": lambda route: Manual(route.name),
                "sepa_debit": lambda route: SepaDebit(route.name),
                "stripe": lambda route: Stripe(route, egress.check),
            }
        ),
        now=lambda: db.wall(),
        run_clock=lambda clock, until: jobs.run_clock(db, clock, until),
        register=Vies(egress.check) if settings.tax_id_register == "vies" else None,
        places=MaxMind(settings.ip_database) if settings.ip_database else None,
        dunning=replace(dunning.SMART, finally_=dunning.FINALLY[settings.after_retries]),
    )


def seller_account(settings: Settings) -> SellerAccount | None:
    """Return the bank account that the settings name, if any."""
    account = SellerAccount(
        settings.seller_name,
        settings.seller_iban,
        settings.seller_bic,
        settings.seller_bankgiro,
        settings.payment_reference,
        settings.sepa_creditor_id,
        settings.sepa_notice_days,
    )
    return account if account.takes_transfers else None


def seed(db: Database, keys: Keys, settings: Settings) -> tuple[str, str | None]:
    """Return the default account and, if it was created now, its test key; create what is missing."""
    now = db.wall()
    with db.connection() as conn, conn.transaction():
        conn.execute("select pg_advisory_xact_lock(%s)", (SEEDING,))
        row = conn.execute("select id from accounts order by created, id limit 1").fetchone()
        account = str(row[0]) if row else secret("acct_", 16)
        if not row:
            named = (account, settings.seller_name, now)
            conn.execute("insert into accounts (id, name, created) values (%s, %s, %s)", named)
    tenant = f"{account}/test"
    if settings.test_key:
        keys.create(tenant, key=settings.test_key, now=now)
        return account, None
    with db.connection() as conn:
        known = conn.execute("select 1 from api_keys where tenant = %s limit 1", (tenant,)).fetchone()
    return account, None if known else keys.create(tenant, now=now)


def known_account(db: Database, id: str) -> str:
    """Return an account's id, after checking that it exists."""
    with db.connection() as conn:
        found = conn.execute("select id from accounts where id = %s", (id,)).fetchone()
    require(found, f"There is no account {id}; `billow accounts` lists them.")
    return id


def _pages(server: Server, db: Database) -> None:
    """Add the pages that need no key: whether the server is alive, and whether it is ready."""

    def healthz() -> flask.Response:
        return flask.jsonify(status="ok")

    def readyz() -> flask.Response:
        try:
            with db.connection() as conn:
                waiting = migrate.pending(conn)
            db.check_clock()
        except psycopg.OperationalError:  # the pool's time-out is one as well
            waiting = ["the database cannot be reached"]
        except Exception as error:  # whatever it is, the answer is no
            waiting = [type(error).__name__]
        low = db.disk.low()
        said = {"status": "not ready" if waiting else "ready", "waiting": waiting}
        answer = flask.jsonify({**said, "writes": low} if low else said)
        answer.status_code = 503 if waiting else 200
        return answer

    for path, page in (("/healthz", healthz), ("/readyz", readyz)):
        server.app.add_url_rule(path, path, page)


class PlainLines(logging.Formatter):
    """Formats log lines so that text from outside cannot start a new line or control a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return plain(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return plain_lines(super().formatException(ei))


def log(settings: Settings) -> None:
    """Write the log to standard error, as the settings say."""
    lines = logging.StreamHandler()
    lines.setFormatter(PlainLines(FORMAT))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[lines])


def pool_size(settings: Settings) -> int:
    """Return the most database connections of a process: one for each thread, and some for key lookups."""
    return max(16, settings.threads + 4)


def asgi() -> Front:
    """Return the application of a server process, built from the environment once per process."""
    settings = load(os.environ)
    log(settings)
    built = build(settings, settings.database_url)
    built.db.connections.patience = CALLERS_PATIENCE
    built.server.log = RequestLog(built.db)
    built.server.log.start()
    return Front(built.server, settings.threads, settings.rate_limit_address)
