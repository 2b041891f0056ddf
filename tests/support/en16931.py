"""Validate machine formats by the official rules of EN 16931 and by the schemas of UBL and Factur-X."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from lxml import etree

from tests.conftest import SHARED, shared

SVRL = "{http://purl.oclc.org/dsdl/svrl}failed-assert"
SCHEMAS = {
    "Invoice": "UBL-Invoice-2.1.xsd",
    "CreditNote": "UBL-CreditNote-2.1.xsd",
    "CrossIndustryInvoice": "Factur-X_EN16931.xsd",
}


@cache
def is_there() -> bool:
    """Whether the official rules can be run here."""
    rules = SHARED.joinpath("standards", "en16931", "EN16931-UBL-validation.xslt")
    return rules.exists() and find_spec("saxonche") is not None


def failed(xml: bytes, flag: str = "fatal") -> list[str]:
    """The official rules that a document breaks, by their ids; each set of rules is compiled once."""
    syntax = "CII" if etree.QName(etree.fromstring(xml)).localname == "CrossIndustryInvoice" else "UBL"
    processor, rules = compiled(syntax)
    found = rules.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))
    return [one.get("id") for one in etree.fromstring(found.encode()).iter(SVRL) if one.get("flag") == flag]


@cache
def compiled(syntax: str):
    saxonche = pytest.importorskip("saxonche")
    file = shared("standards", "en16931", f"EN16931-{syntax}-validation.xslt")
    processor = saxonche.PySaxonProcessor(license=False)
    return processor, processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(file))


def schema_errors(xml: bytes) -> list[str]:
    """What the schema of a document's syntax says of it."""
    tree = etree.fromstring(xml)
    schema = schema_of(etree.QName(tree).localname)
    schema.validate(tree)
    return [str(error) for error in schema.error_log]


@cache
def schema_of(root: str) -> etree.XMLSchema:
    found = find_spec("facturx")
    if found is None or found.origin is None:
        pytest.skip("needs the schemas in factur-x")
    [file] = Path(found.origin).parent.rglob(SCHEMAS[root])
    return etree.XMLSchema(etree.parse(str(file)))
