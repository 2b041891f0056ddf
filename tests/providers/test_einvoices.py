"""Do the machine formats keep the official rules, and the schemas of their syntaxes?"""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from lxml import etree

from billow.core.einvoice import categories, codes, limits
from billow.core.einvoice.lines import Billed, lines_of
from billow.core.einvoice.model import (
    BANKGIRO,
    CREDIT_NOTE,
    Allowance,
    Category,
    EInvoice,
    Payment,
    Subtotal,
    Trader,
)
from billow.core.errors import Refused
from billow.core.line_parts import Rated
from billow.providers.documents import InvoiceDocument, cii, pdf, ubl
from tests.conftest import shared
from tests.support import en16931

D = Decimal
VAT = Category("S", D(25))
SELLER = Trader(
    "Acme Cloud AB",
    "SE",
    "Storgatan 1",
    "",
    "Stockholm",
    "11122",
    "",
    "SE556000475501",
    "",
    "5560004755",
    "",
    "Ann",
    "+46 8 123",
    "billing@acme.test",
    ("0007", "5560004755"),
)
BUYER = Trader(
    "Müller & Söhne GmbH",
    "DE",
    "Hauptstraße 5",
    "",
    "Berlin",
    "10115",
    vat_id="DE136695976",
    endpoint=("9930", "DE136695976"),
)


def billed(rated: Rated, category: Category = VAT, **more) -> Billed:
    taken = sum(amount for _, amount in more.get("discounts", ()))
    return Billed(rated, more.pop("net", rated.amount - taken), "vCPU hours", "HUR", category, **more)


def invoice(*lines: Billed, digits: int = 2, **more) -> EInvoice:
    made = []
    for line in lines:
        made += lines_of(line, digits, len(made) + 1)
    bases = dict.fromkeys((line.category for line in made), D(0))
    for line in made:
        bases[line.category] += line.net
    subtotals = tuple(
        Subtotal(one, base, round(base * (one.percent or 0) / 100, digits)) for one, base in bases.items()
    )
    given = {
        "number": "2026-000001",
        "issued_on": date(2026, 1, 31),
        "currency": "EUR",
        "seller": SELLER,
        "buyer": BUYER,
        "prepaid": D(0),
        "due_on": date(2026, 3, 2),
        "buyer_reference": "04011000-12345-34",
        "starts_on": date(2026, 1, 1),
        "ends_on": date(2026, 1, 31),
        "payment": Payment(
            "DE02120300000000202051", "BYLADEM1001", "Acme Cloud AB", "RF18539007547034", True
        ),
        **more,
    }
    return EInvoice(lines=tuple(made), subtotals=subtotals, **given)


HOURS = billed(Rated(886, D(720), D("1.23")), starts_on=date(2026, 1, 1), ends_on=date(2026, 1, 31))
FREE = Trader("Acme", "US", "1 Main St", city="Springfield", identifier="Acme")
SAMPLES = {
    "one line": invoice(HOURS),
    "packages": invoice(billed(Rated(1500, D(25000), D(500), divide_by=10000))),
    "a tier and its flat fee": invoice(billed(Rated(1250, D(5), D(150), D(500), None))),
    "a lump sum": invoice(billed(Rated(333, D(7), D(100)))),
    "a credit": invoice(HOURS, billed(Rated(-500, None, None))),
    "a discount": invoice(billed(Rated(1000, D(2), D(500)), discounts=(("Launch", 100), ("Loyal", 33)))),
    "tax inside": invoice(billed(Rated(1250, D(3), D("416.67")), net=1000)),
    "two rates": invoice(HOURS, billed(Rated(999, D(1), D(999)), Category("S", D("12.5")))),
    "reverse charge": invoice(billed(HOURS.rated, categories.REVERSE_CHARGE)),
    "exempt": invoice(billed(HOURS.rated, categories.EXEMPT)),
    "taxed and not": invoice(HOURS, billed(Rated(100, D(1), D(100)), categories.UNTAXED)),
    "zero rated": invoice(billed(HOURS.rated, categories.ZERO_RATED)),
    "export": invoice(billed(HOURS.rated, categories.EXPORT)),
    "goods for another member state": invoice(
        billed(HOURS.rated, categories.INTRA_COMMUNITY), delivered_to="DE", supplied_on=date(2026, 1, 30)
    ),
    "a day of supply": invoice(HOURS, starts_on=None, ends_on=None, supplied_on=date(2026, 1, 30)),
    "outside": invoice(
        billed(HOURS.rated, categories.OUTSIDE), seller=FREE, buyer=replace(BUYER, vat_id=""), payment=None
    ),
    "yen": invoice(billed(Rated(886, D(886), D(1))), digits=0, currency="JPY"),
    "a fraction of a yen": invoice(billed(Rated(2, D(7), D("0.333"))), digits=0, currency="JPY"),
    "prepaid": invoice(HOURS, prepaid=D("5.00"), order="4711", note="Thank you"),
    "paid": invoice(HOURS, prepaid=D("11.08"), due_on=None, terms="Paid.", payment=None),
    "a negative total": invoice(billed(Rated(-500, None, None)), prepaid=D("-6.25")),
    "a credit note": invoice(HOURS, kind=CREDIT_NOTE, corrects=("2026-000000", date(2026, 1, 1))),
    "a national currency": invoice(HOURS, national_tax=("SEK", D("23.35"))),
    "a credit note in a national currency": invoice(
        HOURS, kind=CREDIT_NOTE, corrects=("2026-000000", date(2026, 1, 1)), national_tax=("SEK", D("23.35"))
    ),
    "a Kosovar": invoice(HOURS, buyer=replace(BUYER, country=codes.country("XK"), vat_id="")),
    "quantities of twelve decimals": invoice(billed(Rated(123, D("0.123456789012"), D("996.301")))),
    "a Bankgiro": invoice(
        HOURS, currency="SEK", payment=Payment("9912346", BANKGIRO, "Acme Cloud AB", "202600000121")
    ),
    "kronor to an IBAN": invoice(
        HOURS, currency="SEK", payment=Payment("SE3550000000054910000003", "", "Acme", "1")
    ),
    "statements of the seller": invoice(
        HOURS, seller=replace(SELLER, legal="Godkänd för F-skatt · Styrelsens säte: Stockholm")
    ),
    "shipped elsewhere": invoice(
        HOURS,
        ship_to=Trader("Bo", "SE", "Way 1", "Gate 4", "Lund", "222 22", "Skåne"),
        supplied_on=date(2026, 1, 30),
    ),
    "very long names": invoice(
        HOURS, seller=replace(SELLER, name="Å" * 600), buyer=replace(BUYER, name="Ö" * 600, line1="Ü" * 400)
    ),
    "a long note of several lines": invoice(HOURS, note="First line\nSecond line\n" + "more " * 400),
    "a minimum charge": invoice(HOURS, billed(Rated(114, None, None))),
    "a discount of everything": invoice(billed(Rated(1000, D(2), D(500)), discounts=(("Free", 1000),))),
    "a discount over two rates": invoice(
        billed(Rated(1000, D(2), D(500)), discounts=(("Launch", 333),)),
        billed(Rated(999, D(1), D(999)), Category("S", D("12.5")), discounts=(("Launch", 67),)),
    ),
    "a credit note of three rates": invoice(
        HOURS,
        billed(Rated(999, D(1), D(999)), Category("S", D("12.5"))),
        billed(Rated(100, D(1), D(100)), Category("S", D(6)), discounts=(("Launch", 10),)),
        kind=CREDIT_NOTE,
        corrects=("2026-000000", date(2026, 1, 1)),
    ),
    "more negative than positive at one rate": invoice(
        HOURS, billed(Rated(-900, None, None), Category("S", D(6))), prepaid=D("1.00")
    ),
    "paid in part and credited": invoice(HOURS, billed(Rated(-100, D(1), D(-100))), prepaid=D("3.33")),
    "an email as the address": invoice(HOURS, buyer=replace(BUYER, endpoint=("EM", "re@müller.example"))),
    "nothing": invoice(billed(Rated(0, D(0), D(5)))),
    "characters": invoice(HOURS, buyer=replace(BUYER, name='<b>&"\uffff\x00é 漢字</b>')),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_keeps_the_official_rules_in_both_syntaxes(name: str) -> None:
    sample = SAMPLES[name]
    limits.check(sample, "ubl")
    for xml in (ubl.write(sample), cii.write(sample)):
        assert en16931.failed(xml) == []
        assert en16931.schema_errors(xml) == []


def test_a_bankgiro_is_paid_as_peppol_names_it_and_iban_by_its_own_code() -> None:
    def said(name: str, *paths: str) -> list[str | None]:
        found = etree.fromstring(ubl.write(SAMPLES[name])).find("{*}PaymentMeans")
        assert found is not None
        return [found.findtext(path) for path in paths]

    account = "{*}PayeeFinancialAccount/{*}ID"
    kept_by = "{*}PayeeFinancialAccount/{*}FinancialInstitutionBranch/{*}ID"
    paths = ("{*}PaymentMeansCode", "{*}PaymentID", account, kept_by)
    assert said("a Bankgiro", *paths) == ["30", "202600000121", "9912346", "SE:BANKGIRO"]
    assert said("one line", *paths[::2]) == ["58", "DE02120300000000202051"]
    assert said("kronor to an IBAN", *paths[::2]) == ["30", "SE3550000000054910000003"]
    written = etree.fromstring(cii.write(SAMPLES["a Bankgiro"]))
    assert written.findtext(".//{*}ProprietaryID") == "9912346" and written.find(".//{*}IBANID") is None


@pytest.mark.parametrize("profile", ["peppol", "xrechnung"])
def test_profiles_differ_by_their_identifiers(profile: str) -> None:
    sample = SAMPLES["one line"]
    limits.check(sample, profile)
    xml = ubl.write(sample, profile)
    assert en16931.failed(xml) == [] and en16931.schema_errors(xml) == []
    found = etree.fromstring(xml).findtext("{*}CustomizationID")
    assert found and found == ubl.PROFILES[profile][0]


def test_quantity_times_price_is_each_line() -> None:
    for sample in SAMPLES.values():
        for line in sample.lines:
            off = sum(one.amount for one in line.allowances)
            assert round(line.quantity * line.price / line.base, 2) == line.net + off
            assert line.price >= 0


WRONG = {
    "BR-CO-16": (b'PayableAmount currencyID="EUR">11.08', b'PayableAmount currencyID="EUR">11.09'),
    "BR-02": (b"<cbc:ID>2026-000001</cbc:ID>", b""),
    "BR-CL-04": (b">EUR<", b">XAD<"),
    "BR-CO-10": (b'LineExtensionAmount currencyID="EUR">8.86', b'LineExtensionAmount currencyID="EUR">8.87'),
}


@pytest.mark.parametrize("rule", WRONG)
def test_a_planted_fault_is_found(rule: str) -> None:
    xml = ubl.write(SAMPLES["one line"])
    broken = xml.replace(*WRONG[rule], 1)
    assert broken != xml and rule in en16931.failed(broken)


def test_the_samples_of_the_standards_data_fail_as_they_should() -> None:
    folder = shared("standards", "en16931", "samples")
    for name, rules in json.loads((folder / "expected.json").read_text()).items():
        assert set(rules) <= set(en16931.failed((folder / name).read_bytes())), name
        assert rules or en16931.failed((folder / name).read_bytes()) == [], name


LINE, EARLIER = SAMPLES["one line"].lines[0], ("2026-000000", date(2026, 1, 1))
NEGATIVE = {name: getattr(SAMPLES["a negative total"], name) for name in ("lines", "subtotals")}


@pytest.mark.parametrize(
    ("change", "profile", "reason"),
    [
        ({"buyer": replace(BUYER, country="")}, "ubl", "no country"),
        ({"seller": replace(SELLER, vat_id="")}, "cii", "VAT number"),
        ({"buyer": replace(BUYER, endpoint=None)}, "peppol", "peppol_id"),
        ({"buyer_reference": ""}, "peppol", "buyer_reference"),
        ({"seller": replace(SELLER, phone="")}, "xrechnung", "phone"),
        ({"payment": None}, "xrechnung", "bank account"),
        ({"buyer": replace(BUYER, city="")}, "xrechnung", "town of the customer"),
        ({"ends_on": date(2025, 1, 1)}, "ubl", "before it begins"),
        ({"lines": (replace(LINE, ends_on=date(2025, 1, 1)),)}, "cii", "before it begins"),
        ({"due_on": date(2026, 1, 30)}, "ubl", "due before it is issued"),
        ({"payment": Payment("DE02120300000000202052")}, "ubl", "is no IBAN"),
        ({"kind": CREDIT_NOTE}, "ubl", "names the invoice that it corrects"),
        ({"kind": CREDIT_NOTE, "corrects": ("1", date(2026, 2, 1))}, "ubl", "no older than the invoice"),
        ({"kind": CREDIT_NOTE, "corrects": EARLIER, "prepaid": D(100)}, "ubl", "as positive amounts"),
        ({**NEGATIVE, "kind": CREDIT_NOTE, "corrects": EARLIER}, "cii", "as positive amounts"),
        ({"lines": (replace(LINE, price=-LINE.price, quantity=-LINE.quantity),)}, "ubl", "negative price"),
        (
            {"lines": (replace(LINE, net=D("9.86"), allowances=(Allowance(D("-1.00"), "-"),)),)},
            "ubl",
            "negative price or allowance",
        ),
        ({"national_tax": ("EUR", D("2.22"))}, "ubl", "twice in one currency"),
        ({"national_tax": ("SEK", D("-23.35"))}, "cii", "another sign"),
        (
            {"subtotals": (Subtotal(categories.INTRA_COMMUNITY, D("8.86"), D(0)),)},
            "ubl",
            "country that the goods were sent to",
        ),
        ({"lines": ()}, "ubl", "at least one line"),
        (
            {"lines": (replace(SAMPLES["one line"].lines[0], net=D("9.00")),)},
            "ubl",
            "quantity times its price",
        ),
    ],
)
def test_what_a_format_cannot_say_is_refused_with_the_reason(change, profile, reason) -> None:
    with pytest.raises(Refused, match=reason):
        limits.check(replace(SAMPLES["one line"], **change), profile)


@pytest.mark.parametrize(
    ("currency", "reason"), [("kwd", "three"), ("stn", "STN"), ("xad", "XAD"), ("eur", None), ("jpy", None)]
)
def test_currencies_that_the_standard_has_not_are_named(currency: str, reason: str | None) -> None:
    found = codes.why_no_currency(currency)
    assert found is None if reason is None else reason in (found or "")


def test_a_pdf_with_an_invoice_inside_still_conforms(paper: InvoiceDocument) -> None:
    xml, at = cii.write(SAMPLES["one line"]), datetime(2026, 1, 31, tzinfo=UTC)
    made = pdf.render(paper, at, xml)
    assert made == pdf.render(paper, at, xml)
    pikepdf = pytest.importorskip("pikepdf")
    import io

    with pikepdf.open(io.BytesIO(made)) as file:
        [name] = file.attachments
        assert (name, file.attachments[name].get_file().read_bytes()) == ("factur-x.xml", xml)
        assert b"<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>" in file.Root.Metadata.read_bytes()
    page = pytest.importorskip("page")
    for profile in ("3a", "ua1"):
        report = page.validate_pdf_bytes(made, profile=profile)
        assert report.is_compliant, [(one.rule_id, one.message) for one in report.failures]
