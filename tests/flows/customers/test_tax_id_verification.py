"""Are tax ids taken by their shape and verified afterwards, and does reverse charge need a verified one?"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from typing import Any

import pytest

from billow.api import rows
from billow.core import tax_ids
from billow.core.errors import Unavailable
from billow.flows.papers.invoice_document import document_of
from billow.providers.egress import Blocked, Egress
from billow.providers.registers import Entry
from billow.providers.registers.vies import Vies
from billow.resources.invoice import Invoice
from billow.store import jobs
from tests.conftest import new_caller
from tests.support.world import World

VALID = [
    ("es_cif", "12345678Z", "a person's NIF"),
    ("es_cif", "X1234567L", "a person's NIE"),
    ("es_cif", "ESJ99216582", "a company's, with the country"),
    ("do_rcn", "00113918205", "a person's"),
    ("do_rcn", "131246796", "a company's"),
    ("tr_tin", "17291716060", "a person's"),
    ("vn_tin", "012345678901", "a person's identity number"),
    ("sm_coe", "SM51", "with the country"),
]


@pytest.mark.parametrize(("type", "value", "whose"), VALID)
def test_a_valid_number_of_another_kind_is_valid(type: str, value: str, whose: str) -> None:
    assert tax_ids.has_shape(type, value) and tax_ids.is_valid(type, value), whose


@pytest.mark.parametrize(
    ("type", "value"),
    [("es_cif", "123"), ("do_rcn", "1234567890"), ("tr_tin", "123456789012"), ("eu_vat", "DE12345678"),
     ("eu_vat", "US123456789"), ("sm_coe", "SM123456"), ("vn_tin", "12345678901")],
)  # fmt: skip
def test_a_number_of_another_shape_is_refused(type: str, value: str) -> None:
    assert not tax_ids.has_shape(type, value)


def test_a_mistyped_number_does_not_take_the_customer_with_it(api: Any) -> None:
    """Stripe's own example has a wrong check digit, and was refused with the whole customer."""
    sent = {"name": "Ann", "tax_id_data[0][type]": "eu_vat", "tax_id_data[0][value]": "DE123456789"}
    made = api.post("/v1/customers", {**sent, "expand[]": "tax_ids"})
    [number] = made["tax_ids"]["data"]
    assert (number["value"], number["country"]) == ("DE123456789", "DE")
    assert number["verification"]["status"] == "pending"
    jobs.run_due(api.app.db, clock="wall", until=api.app.db.wall())
    assert api.get(f"/v1/tax_ids/{number['id']}")["verification"]["status"] == "unverified"
    assert "customer.tax_id.updated" in api.event_types()


# ------------------------------------------------------------------------------------- a register


@dataclass
class Known:
    """A register that knows some numbers; it does not answer as often as `silent` says."""

    numbers: dict[str, Entry] = field(default_factory=dict)
    silent: int = 0
    asked: list[str] = field(default_factory=list)

    def look_up(self, country: str, number: str) -> Entry:
        self.asked.append(country + number)
        if self.silent:
            self.silent -= 1
            raise Unavailable("MS_UNAVAILABLE")
        return self.numbers.get(country + number, Entry(False))


@contextmanager
def register(app: Any, known: Known) -> Iterator[Known]:
    before = app.db.outside
    app.db.outside = replace(before, register=known)
    try:
        yield known
    finally:
        app.db.outside = before


def added(api: Any, value: str) -> Any:
    ann = api.post("/v1/customers", {"name": "Ann"})["id"]
    return api.post(f"/v1/customers/{ann}/tax_ids", {"type": "eu_vat", "value": value})


def test_in_live_mode_a_register_is_asked_and_asked_again_when_it_does_not_answer(
    app: Any, wall: Any
) -> None:
    api = new_caller(app, "live")
    entry = Entry(True, "ACME LTD", "1 Main Street, Dublin")
    with register(app, Known({"IE6388047V": entry}, silent=1)) as known:
        right, wrong = added(api, "ie 6388047v"), added(api, "IE6433435F")
        now = app.db.wall()
        jobs.run_due(app.db, clock="wall", until=now)
        with app.db.connection() as conn:  # an hour passes for this job alone: daily ones would repeat
            conn.execute("update jobs set run_at = %s where kind = 'tax_id.verify'", (now,))
        jobs.run_due(app.db, clock="wall", until=app.db.wall())
        assert sorted(set(known.asked)) == ["IE6388047V", "IE6433435F"] and len(known.asked) == 3
    assert api.get(f"/v1/tax_ids/{right['id']}")["verification"] == {
        "status": "verified",
        "verified_address": "1 Main Street, Dublin",
        "verified_name": "ACME LTD",
    }
    assert api.get(f"/v1/tax_ids/{wrong['id']}")["verification"]["status"] == "unverified"


def test_a_number_that_is_deleted_while_it_is_looked_up_stays_deleted(app: Any) -> None:
    api = new_caller(app, "live")
    made = added(api, "IE6388047V")

    class Deleting(Known):
        def look_up(self, country: str, number: str) -> Entry:
            assert api.delete(f"/v1/tax_ids/{made['id']}").status == 200
            return Entry(True)

    with register(app, Deleting()):
        jobs.run_due(app.db, clock="wall", until=app.db.wall())
    assert api.get(f"/v1/tax_ids/{made['id']}").status == 404


def test_a_test_number_is_never_sent_to_a_register(app: Any, api: Any) -> None:
    with register(app, Known()) as known:
        made = [added(api, value) for value in ("DE000000000", "DE111111111", "IE6388047V")]
        jobs.run_due(app.db, clock="wall", until=app.db.wall())
        shown = [api.get(f"/v1/tax_ids/{one['id']}")["verification"]["status"] for one in made]
        assert (known.asked, shown) == ([], ["verified", "unverified", "unavailable"])


@pytest.mark.parametrize(
    ("country", "value", "checked", "tax"),
    [
        ("DE", "DE000000000", True, 0),
        ("DE", "DE111111111", True, 190),
        ("DE", None, True, 190),
        ("DE", None, False, 0),
        ("CH", None, True, 0),
    ],
)
def test_reverse_charge_needs_a_verified_number_where_numbers_are_verified(
    world: World, app: Any, country: str, value: str | None, checked: bool, tax: int
) -> None:
    world.at("2025-01-01")
    with register(app, Known()) if checked else register(app, None):  # type: ignore[arg-type]
        anna = world.customer("anna", tax_exempt="reverse", address={"country": country})
        if value:
            world.post(f"/v1/customers/{anna.id}/tax_ids", type="eu_vat", value=value)
        world.at("2025-01-02")
        anna.owes(1000)
        invoice = anna.bills(default_tax_rates=[world.tax(19)])
        assert sum(one["amount"] for one in invoice.data["total_taxes"]) == tax
        invoice.does("finalize")
        assert invoice.data["total"] == 1000 + tax
        assert invoice.data["customer_tax_exempt"] == ("none" if tax else "reverse")


def test_documents_show_european_numbers_in_capitals_without_spaces(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    world.post(f"/v1/customers/{anna.id}/tax_ids", type="eu_vat", value="de 136 695 976")
    world.post(f"/v1/customers/{anna.id}/tax_ids", type="us_ein", value="91-1144442")
    anna.owes(1000)
    invoice = anna.bills()
    invoice.does("finalize")
    with world.api.app.db.transaction(world.api.tenant) as tx:
        document = document_of(tx, rows.find(tx, Invoice, invoice.data["id"]))
    assert document.buyer.tax_ids == ("VAT number DE136695976", "EIN 91-1144442")


# ------------------------------------------------------------------------------------- VIES itself


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[Any]]]:
    heard: list[Any] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/rest/check", heard
        server.shutdown()


LOCAL = Egress((ip_network("127.0.0.1/32"),))


def test_vies_says_whether_and_to_whom_a_number_is_registered() -> None:
    said = {"valid": True, "name": "ACME GMBH", "address": "---"}
    with answering(200, json.dumps(said).encode()) as (url, heard):
        assert Vies(LOCAL.check, url).look_up("DE", "136695976") == Entry(True, "ACME GMBH", None)
    assert heard == [("/rest/check", {"countryCode": "DE", "vatNumber": "136695976"})]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"actionSucceed": false, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}'),
        (500, b'{"valid": false}'),
        (200, b"<html>"),
        (200, b'{"valid": "no"}'),
    ],
)
def test_an_answer_that_says_neither_yes_nor_no_is_no_answer(status: int, body: bytes) -> None:
    with answering(status, body) as (url, _), pytest.raises(Unavailable):
        Vies(LOCAL.check, url).look_up("DE", "136695976")


def test_vies_is_reached_through_the_same_guard_as_webhooks() -> None:
    with answering(200, b'{"valid": true}') as (url, heard), pytest.raises(Blocked):
        Vies(Egress().check, url).look_up("DE", "136695976")
    assert heard == []
