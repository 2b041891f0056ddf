"""Do the pages tell the truth: settings, links, commands, examples, tests by name, and the locks?"""

import ast
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from billow.app import App
from billow.core.signing import stripe as signature
from billow.flows.events.delivery import WAITS
from billow.providers import posting
from billow.resources.webhook_endpoint import MOST
from billow.settings import SETTINGS, BadSetting, Setting, load, pepper
from billow.store import jobs
from tests.conftest import Api
from tests.support.worker_threads import running_worker
from tests.test_tidy import ROOT, RULES

PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("billow/**/*.md")]
    if ".venv" not in path.parts
)
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


def page(name: str) -> str:
    return (ROOT / name).read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def headings(text: str) -> set[str]:
    return set(re.findall(r"^## (\S+)$", text, re.MULTILINE))


# ------------------------------------------------------------------------------------- settings


def test_the_settings_page_has_a_heading_for_each_setting() -> None:
    assert headings(page("docs/reference/settings.md")) == {setting.name for setting in SETTINGS}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_settings_page_tells_the_default(setting: Setting) -> None:
    said = page("docs/reference/settings.md").split(f"## {setting.name}\n")[1].split("##")[0]
    assert said.strip().startswith(f"Default: `{setting.default}`." if setting.default else "Default: empty.")


def test_every_setting_is_read() -> None:
    """A variable that is in the list, and that nothing parses, would be a promise without effect."""
    given = {
        "BILLOW_DATABASE_URL": "postgresql://db/x",
        "BILLOW_DATA": "/elsewhere",
        "BILLOW_WAL_ARCHIVE": "/archive",
        "BILLOW_HOST": "0.0.0.0",
        "BILLOW_PORT": "80",
        "BILLOW_BASE_URL": "https://pay.example.com/",
        "BILLOW_TEST_KEY": "sk_test_aaaabbbbccccdddd",
        "BILLOW_SMTP_URL": "smtp://mail:25",
        "BILLOW_MAIL_FROM": "Ann <ann@example.com>",
        "BILLOW_MAIL_SENDERS": "Acme.example, b.example",
        "BILLOW_WORKERS": "2",
        "BILLOW_THREADS": "3",
        "BILLOW_SELLER_NAME": "Ann",
        "BILLOW_SELLER_ADDRESS": "1 Main Street | Springfield|",
        "BILLOW_SELLER_TAX_ID": "DE1",
        "BILLOW_SELLER_IBAN": "DE02 1203 0000 0000 2020 51",
        "BILLOW_SELLER_BIC": "BYLADEM1001",
        "BILLOW_SELLER_BANKGIRO": "991-2346",
        "BILLOW_PAYMENT_REFERENCE": "ocr",
        "BILLOW_BANK_TOLERANCE": "100",
        "BILLOW_SEPA_CREDITOR_ID": "DE98ZZZ09999999999",
        "BILLOW_SEPA_NOTICE_DAYS": "1",
        "BILLOW_BANK_OVERPAYMENT": "unapplied",
        "BILLOW_TAX_ID_REGISTER": "vies",
        "BILLOW_IP_DATABASE": "places.mmdb",
        "BILLOW_LOG_LEVEL": "DEBUG",
        "BILLOW_WEBHOOK_ALLOW_PRIVATE": "10.0.0.0/8, fd00::/8",
        "BILLOW_PEPPER": "0123456789abcdef",
        "BILLOW_DISK_RESERVE_MB": "12",
        "BILLOW_ACCOUNT": "acct_0123456789abcdef",
        "BILLOW_RATE_LIMIT_LIVE": "7",
        "BILLOW_RATE_LIMIT_TEST": "8",
        "BILLOW_AFTER_RETRIES": "unpaid",
        "BILLOW_CLOCK_TOLERANCE": "5",
        "BILLOW_METRICS_TOKEN": "abcdefghijklmnop",
        "BILLOW_RATE_LIMIT_ADDRESS": "9",
        "BILLOW_PROXIES": "10.0.0.1, 10.1.0.0/16",
    }
    assert set(given) == {setting.name for setting in SETTINGS}
    plain = load({})
    for name, value in given.items():
        assert load({name: value}) != plain, name
    changed = load(given)
    assert changed.seller_address == ("1 Main Street", "Springfield")
    assert [str(network) for network in changed.webhook_allow_private] == ["10.0.0.0/8", "fd00::/8"]
    assert (changed.base_url, changed.log_level, changed.port) == ("https://pay.example.com", "debug", 80)
    assert changed.embedded is None and plain.embedded == plain.data / "postgres"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BILLOW_PORT", "0"),
        ("BILLOW_PORT", "http"),
        ("BILLOW_WORKERS", "0"),
        ("BILLOW_THREADS", "-1"),
        ("BILLOW_TEST_KEY", "sk_test_short"),
        ("BILLOW_TEST_KEY", "sk_live_aaaabbbbccccdddd"),
        ("BILLOW_DATABASE_URL", "mysql://db/x"),
        ("BILLOW_BASE_URL", "pay.example.com"),
        ("BILLOW_MAIL_FROM", "nobody"),
        ("BILLOW_MAIL_SENDERS", "ann@example.com"),
        ("BILLOW_LOG_LEVEL", "loud"),
        ("BILLOW_WEBHOOK_ALLOW_PRIVATE", "10.0.0.1/8"),
        ("BILLOW_PEPPER", "short"),
        ("BILLOW_DATA", ""),
        ("BILLOW_AFTER_RETRIES", "forgive"),
        ("BILLOW_METRICS_TOKEN", "short"),
        ("BILLOW_SELLER_IBAN", "DE02120300000000202052"),
        ("BILLOW_SELLER_BIC", "BANK"),
        ("BILLOW_SELLER_BANKGIRO", "991-2345"),
        ("BILLOW_PAYMENT_REFERENCE", "kid"),
        ("BILLOW_BANK_TOLERANCE", "1.00"),
        ("BILLOW_SEPA_CREDITOR_ID", "DE97ZZZ09999999999"),
        ("BILLOW_SEPA_NOTICE_DAYS", "0"),
        ("BILLOW_BANK_OVERPAYMENT", "keep"),
        ("BILLOW_PROXIES", "10.0.0.1/8"),
    ],
)
def test_a_bad_value_is_refused_with_the_variables_name(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name) as refusal:
        load({name: value})
    if name in {"BILLOW_TEST_KEY", "BILLOW_PEPPER", "BILLOW_DATABASE_URL", "BILLOW_METRICS_TOKEN"}:
        assert value not in str(refusal.value)


def test_the_base_url_is_one_that_can_be_reached() -> None:
    assert load({"BILLOW_HOST": "0.0.0.0", "BILLOW_PORT": "9"}).base_url == "http://127.0.0.1:9"
    assert load({"BILLOW_HOST": "::1", "BILLOW_PORT": "9"}).base_url == "http://[::1]:9"


def test_the_pepper_is_made_once_for_all_who_ask_at_the_same_time(tmp_path: Path) -> None:
    settings = load({"BILLOW_DATA": str(tmp_path / "data")})
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(pepper(settings))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1 and len(found[0]) >= 32
    assert [path.name for path in settings.data.iterdir()] == ["pepper"]
    assert (settings.data / "pepper").stat().st_mode & 0o077 == 0
    assert pepper(load({"BILLOW_PEPPER": "0123456789abcdef"})) == b"0123456789abcdef"


# ------------------------------------------------------------------------------------- pages


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths_in_the_pages_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\((?!https?:|mailto:)([^)#]+)[^)]*\)", text)
    assert [link for link in links if not (path.parent / link).exists()] == []
    named = re.findall(r"`((?:billow|tests|docs|bench|examples)/[\w./-]*)`", text)
    assert [name for name in named if "thing" not in name and not (ROOT / name).exists()] == []


def slugs(text: str) -> set[str]:
    """The anchors of a page: its headings as GitHub names them, and those that are set."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    plain = [re.sub(r"<[^>]*>|[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles]
    return set(plain) | set(re.findall(r'<a id="([^"]+)"></a>', text))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_anchors_in_the_pages_lead_to_a_heading(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\((?!https?:|mailto:)([^)#]*)#([^)]+)\)", text)
    lost = [
        (page, anchor)
        for page, anchor in links
        if anchor not in slugs((path.parent / page if page else path).read_text())
    ]
    assert lost == []


@pytest.mark.parametrize("folder", ["docs/guide", "docs/reference"])
def test_the_readme_lists_every_page(folder: str) -> None:
    linked = set(re.findall(r"\]\(([^)#]+)\)", page("README.md")))
    assert {str(path.relative_to(ROOT)) for path in ROOT.glob(f"{folder}/*.md")} <= linked


def test_the_pages_install_the_library_that_is_tested() -> None:
    said = {
        found
        for path in [*PAGES, ROOT / "examples/README.md"]
        for found in re.findall(r"pip install stripe==(\S+)", path.read_text())
    }
    assert said == {locked("requirements-dev.lock")["stripe"]}


def test_the_tests_that_the_style_guide_names_exist() -> None:
    style = page("STYLE.md")
    named = set(re.findall(r"\btest_\w+", style)) - {"test_a_coupon_expires_at_its_redeem_by"}
    assert named and [name for name in sorted(named) if f"def {name}(" not in TESTS] == []
    rules = {
        rule for said in re.findall(r"\*\(([^*]*)\)\*", style) for rule in re.findall(r'"([A-Za-z ]+)"', said)
    }
    assert rules == set(RULES), "each rule is named, and each name is a rule"


def test_the_make_targets_that_the_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", page("Makefile"), re.MULTILINE))
    named = {word for path in PAGES for word in re.findall(r"`make ([a-z]+)", path.read_text())}
    named |= {
        word
        for path in PAGES
        for block in blocks(path.read_text(), "sh")
        for word in re.findall(r"^make ([a-z]+)", block, re.MULTILINE)
    }
    assert {"demo", "test", "check", "install"} <= named <= targets


def test_the_commands_that_the_pages_name_exist() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "billow", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    commands = set(re.findall(r"^\W*([a-z]+)\b", asked.stdout, re.MULTILINE))
    named = {word for path in PAGES for word in re.findall(r"`billow ([a-z]+)", path.read_text())}
    assert named >= {"up", "demo", "explain"}
    assert named - commands == set()


@pytest.mark.parametrize("name", ["README.md", "docs/guide/start.md", "docs/guide/migrate_from_stripe.md"])
def test_the_examples_use_what_the_official_library_has(name: str) -> None:
    client = stripe.StripeClient("sk_test_0000000000000000", base_addresses={"api": "http://127.0.0.1:1"})
    calls = 0
    for block in blocks(page(name), "python"):
        for node in ast.walk(ast.parse(block)):
            path = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if path.startswith(("client.", "old.")) and not path.endswith("auto_paging_iter"):
                found: object = client
                for part in path.split(".")[1:]:
                    found = getattr(found, part)
                assert callable(found), path
                calls += 1
    assert calls >= 5


# ------------------------------------------------------------------------------------- examples that run

RUN = re.compile(r"<!-- run -->\n```(python|sh)\n(.*?)```", re.DOTALL)
KEY, ADDRESS = "sk_test_ChangeMeBeforeYouGoLive1", "http://127.0.0.1:8420"
"""What the pages say, and the tests replace by their own."""


@pytest.fixture
def worker(app: App) -> Iterator[None]:
    with running_worker(app):
        yield


class Reader:
    """Somebody who types what the pages say, in one session that begins with the quick start."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key
        self.names: dict[str, Any] = {}
        self.ran = 0
        self.types("README.md")

    def types(self, name: str) -> None:
        found = RUN.findall(page(name))
        assert len(found) == page(name).count("<!-- run -->"), "a mark stands right before its block"
        for language, block in found:
            text = block.replace(KEY, self.key).replace(ADDRESS, self.url)
            if language == "python":
                exec(compile(text, f"{name}, block {self.ran}", "exec"), self.names)
            elif shutil.which("curl"):
                subprocess.run(["bash", "-euc", text], check=True, capture_output=True)
            self.ran += 1


@pytest.fixture
def reader(api: Api, http_url: str, worker: None) -> Reader:
    return Reader(http_url, api.key)


def test_the_quick_start_ends_with_an_active_subscription(reader: Reader, api: Api) -> None:
    assert reader.ran == 1 and reader.names["subscription"].status == "active"
    assert [invoice["amount_paid"] for invoice in api.get("/v1/invoices")["data"]] == [2000]


def test_the_first_guide_ends_with_a_paid_invoice(reader: Reader) -> None:
    reader.types("docs/guide/start.md")
    assert reader.ran == 5 and reader.names["invoice"].amount_paid == 3000


def test_the_guide_to_changes_bills_two_seats_more(reader: Reader) -> None:
    reader.types("docs/guide/changes.md")
    assert reader.ran == 2 and reader.names["invoice"].amount_paid == 4000


def test_the_guide_to_files_ends_with_a_link(reader: Reader, api: Api) -> None:
    reader.types("docs/guide/files.md")
    assert [link["url"] for link in api.get("/v1/file_links")["data"]] == [reader.names["link"].url]


def test_the_receiver_of_the_guide_takes_what_billow_signs(reader: Reader, capsys: Any) -> None:
    reader.types("docs/guide/webhooks.md")
    event = {"id": "evt_1", "object": "event", "type": "invoice.paid", "data": {"object": {"id": "in_1"}}}
    body = json.dumps(event).encode()
    receive, secret = reader.names["receive"], reader.names["endpoint"].secret
    now = int(time.time())
    capsys.readouterr()
    assert [receive(body, signature([secret], now, body)) for _ in range(2)] == [200, 200]
    assert capsys.readouterr().out == "invoice.paid in_1\n"
    assert receive(body, signature(["whsec_other"], now, body)) == 400
    assert receive(body, signature([secret], now - 600, body)) == 400


def test_the_webhook_guide_tells_the_waits_and_the_patience() -> None:
    said = " ".join(page("docs/guide/webhooks.md").split())
    units = {"s": 1, "min": 60, "h": 3600}
    told = re.search(r"tried again after ([^.]*)\.", said)
    assert told
    found = re.findall(r"(\d+) (s|min|h)", told[1])
    assert [int(number) * units[unit] for number, unit in found] == [wait.total_seconds() for wait in WAITS]
    assert f"within {posting.SECONDS:.0f} seconds" in said and f"There can be {MOST} endpoints" in said


def test_the_migration_guide_copies_an_account(reader: Reader, other: Api, api: Api, http_url: str) -> None:
    old = Reader(http_url, other.key).names["client"]
    product = old.v1.products.list().data[0]
    tiers = [
        {"up_to": 10, "unit_amount_decimal": "1.5"},
        {"up_to": "inf", "flat_amount": 3, "unit_amount": 1},
    ]
    tiered = {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers}
    monthly = {"recurring": {"interval": "month"}}
    old.v1.prices.create({"product": product.id, "currency": "eur", **tiered, **monthly})
    reader.names["old"] = old
    before = {name: len(api.get(f"/v1/{name}")["data"]) for name in ("products", "prices", "customers")}
    reader.types("docs/guide/migrate_from_stripe.md")
    assert api.get(f"/v1/products/{product.id}")["name"] == product.name
    made = api.get("/v1/prices", {"limit": 100, "expand[]": "data.tiers"})["data"]
    copies = [price for price in made if "stripe_price" in price["metadata"]]
    assert len(copies) == 2 == len(made) - before["prices"]
    [copy] = [price["tiers"] for price in copies if price["tiers"]]
    assert [(tier["up_to"], tier["unit_amount_decimal"], tier["flat_amount"]) for tier in copy] == [
        (10, "1.5", None),
        (None, "1", 3),
    ]
    names = [customer["name"] for customer in api.get("/v1/customers", {"limit": 100})["data"]]
    assert sorted(names) == ["Anna", "Anna", "Carla"] if shutil.which("curl") else ["Anna", "Anna"]
    [subscription] = api.get("/v1/subscriptions", {"status": "trialing"})["data"]
    theirs = other.get("/v1/subscriptions")["data"][0]
    assert theirs["cancel_at_period_end"] is True
    assert subscription["trial_end"] == theirs["items"]["data"][0]["current_period_end"]


# ------------------------------------------------------------------------------------- locks


def locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+) \\$", page(name), re.MULTILINE))


def test_the_locks_agree_and_hold_every_requirement_with_its_hashes() -> None:
    runtime, everything = locked("requirements.lock"), locked("requirements-dev.lock")
    assert runtime.items() <= everything.items()
    project = tomllib.loads(page("pyproject.toml"))["project"]
    for wanted, lock in [
        (project["dependencies"], runtime),
        (project["optional-dependencies"]["dev"], everything),
    ]:
        names = {re.sub(r"[_.]", "-", re.split(r"[\[=<>]", requirement)[0]) for requirement in wanted}
        assert names <= set(lock)
    for name, lock in [("requirements.lock", runtime), ("requirements-dev.lock", everything)]:
        pins = re.split(r"^(?=\S+==)", page(name), flags=re.MULTILINE)[1:]
        assert len(pins) == len(lock) and all("--hash=sha256:" in pin for pin in pins)


def test_every_fault_of_the_plan_has_its_row_and_its_test() -> None:
    page = (ROOT / "docs/reference/faults.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if re.match(r"\| F\d\d ", line)]
    assert [row[0] for row in rows] == [f"F{number:02}" for number in range(1, 41)]
    for id, _, shown, *rest in rows:
        tests = re.findall(r"`(tests/[^`]+)`", " ".join(rest))
        assert tests or "Open" in shown, f"{id} names no test and does not say that it is open"
        assert all((ROOT / test).is_file() for test in tests), (id, tests)


# ------------------------------------------------------------------------------------- jobs


def test_the_page_of_jobs_names_each_kind_with_its_group() -> None:
    table = re.findall(r"^\| `([\w.]+)` \| (\w+) \| (\w+) \|", page("docs/reference/jobs.md"), re.MULTILINE)
    declared = [
        (kind.name, kind.run.__module__.removeprefix("billow.flows.").split(".")[0], kind.lane)
        for kind in jobs.KINDS.values()
        if kind.run.__module__.startswith("billow.")
    ]
    assert table == sorted(declared)


def kinds_in(text: str) -> set[str]:
    """The kinds of jobs that a source names where it puts, moves or cancels one."""
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and len(node.args) > 1)
    named = (
        call.args[1]
        for call in calls
        if re.fullmatch(r"jobs\.(put|put_many|put_absent|move|cancel|park)", ast.unparse(call.func))
    )
    return {node.value for node in named if isinstance(node, ast.Constant)}


def test_every_kind_that_a_source_names_is_declared() -> None:
    """Before it is put at all: a misspelt kind in a path that is rarely taken is found here."""
    found = {kind for path in (ROOT / "billow").rglob("*.py") for kind in kinds_in(path.read_text())}
    assert len(found) > 10 and found - jobs.KINDS.keys() == set()
    assert kinds_in("jobs.cancel(tx, 'invoice.misspelt', ref)") - jobs.KINDS.keys() == {"invoice.misspelt"}
