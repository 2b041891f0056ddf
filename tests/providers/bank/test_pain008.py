"""Are files of direct debits valid by the schema of ISO 20022, and always the same?"""

from datetime import UTC, date, datetime
from importlib import resources

import pytest
from lxml import etree

from billow.core.bank.direct_debit import Batch, Collection, Creditor
from billow.core.bank.statement import BadStatement
from billow.providers.bank import pain002, pain008
from tests.conftest import shared

CREATED = datetime(2026, 11, 22, 11, 44, 57, tzinfo=UTC)
ACME = Creditor("Acme Cloud AB", "DE02120300000000202051", "BYLADEM1001", "DE98ZZZ09999999999")
MUELLER = Collection(
    "in_000001", 12500, "M-1", date(2025, 1, 1), "NL91ABNA0417164300", "Müller Söhne", "Invoice 2026-000001"
)


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    file = resources.files("sepaxml") / "schemas" / "pain.008.001.08.xsd"
    return etree.XMLSchema(etree.fromstring(file.read_bytes()))


def written(*batches: Batch, creditor: Creditor = ACME) -> etree._Element:
    return etree.fromstring(pain008.write("M1", CREATED, creditor, batches))


def leaves(root: etree._Element) -> list[tuple[str, str]]:
    return [(etree.QName(one).localname, (one.text or "").strip()) for one in root.iter() if len(one) == 0]


def test_a_file_says_what_the_sample_says(schema):
    sample = etree.fromstring(shared("standards", "payments", "pain.008.001.08.xml").read_bytes())
    assert schema.validate(sample)
    made = written(Batch("B1", date(2026, 2, 10), "RCUR", (MUELLER,)))
    assert schema.validate(made), schema.error_log
    own = {"MsgId": "M1", "PmtInfId": "B1", "EndToEndId": "in-000001"}
    expected = [(name, own.get(name, text)) for name, text in leaves(sample)]
    # The sample names the payer's bank, which the IBAN does as well.
    places = [at for at, (name, _) in enumerate(expected) if name == "BICFI"]
    expected[places[1]] = ("Id", "NOTPROVIDED")
    assert leaves(made) == expected


@pytest.mark.parametrize("name", ["日本", "", "A" * 200, "//x//", 'O\'Brien & <Sons> "Ltd"'])
def test_any_name_and_text_make_a_valid_file(schema, name):
    odd = Collection("par_" + "x" * 24, 1, "pm-" + "y" * 24, date(2025, 1, 1), MUELLER.iban, name, name * 3)
    largest = Collection("par_2", 99_999_999_999, "M-2", date(2025, 1, 1), MUELLER.iban, "Anna", "")
    made = written(
        Batch("B1", date(2026, 2, 10), "FRST", (odd, largest)),
        Batch("B2", date(2026, 2, 11), "RCUR", (MUELLER,)),
        creditor=Creditor(name or "x", ACME.iban, "", ACME.id),
    )
    assert schema.validate(made), schema.error_log
    assert made.findtext(".//{*}GrpHdr/{*}NbOfTxs") == "3"
    assert made.findtext(".//{*}GrpHdr/{*}CtrlSum") == "1000000125.00"


def test_the_schema_finds_a_fault(schema):
    made = written(Batch("B1", date(2026, 2, 10), "OFTEN", (MUELLER,)))
    assert not schema.validate(made)


def test_the_same_batches_make_the_same_bytes():
    batch = Batch("B1", date(2026, 2, 10), "RCUR", (MUELLER,))
    assert pain008.write("M1", CREATED, ACME, [batch]) == pain008.write("M1", CREATED, ACME, [batch])


REPORT = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
<OrgnlPmtInfAndSts>
<TxInfAndSts><OrgnlEndToEndId>par-1</OrgnlEndToEndId><TxSts>RJCT</TxSts>
<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>
<TxInfAndSts><OrgnlEndToEndId>par-2</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts>
</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""


def test_a_report_names_what_the_bank_did_not_take():
    assert pain002.read(REPORT.encode()) == [pain002.Rejected("par-1", "AC04")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("x", "not XML"),
        (REPORT.replace("pain.002", "pain.008"), "no report"),
        (
            REPORT.replace(">par-1<", "><").replace("<OrgnlPmtInfAndSts>", "<GrpSts>RJCT</GrpSts>"),
            "whole file",
        ),
    ],
)
def test_what_is_no_report_on_single_debits_is_refused(data, reason):
    with pytest.raises(BadStatement):
        pain002.read(data.encode())
