"""Write files of SEPA direct debits (pain.008.001.08)."""

from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from billow.core.bank.direct_debit import Batch, Collection, Creditor
from billow.core.bank.sepa_text import sepa

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"
NAME, TEXT = 70, 140


def write(message: str, created: datetime, creditor: Creditor, batches: Sequence[Batch]) -> bytes:
    """Return the file of some batches. What it is given decides each byte, so it can be written again."""
    root = etree.Element(f"{{{NAMESPACE}}}Document", nsmap={None: NAMESPACE})
    body = _add(root, "CstmrDrctDbtInitn")
    header = _add(body, "GrpHdr")
    _add(header, "MsgId", message)
    _add(header, "CreDtTm", created.replace(microsecond=0, tzinfo=None).isoformat())
    _add(header, "NbOfTxs", str(sum(len(batch.collections) for batch in batches)))
    _add(header, "CtrlSum", _major(sum(batch.total for batch in batches)))
    party = _add(header, "InitgPty")
    _add(party, "Nm", sepa(creditor.name, NAME))
    _add(_path(party, "Id/OrgId/Othr"), "Id", creditor.id)
    for batch in batches:
        _batch(_add(body, "PmtInf"), batch, creditor)
    etree.indent(root)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8")) + b"\n"


def _batch(info: etree._Element, batch: Batch, creditor: Creditor) -> None:
    _add(info, "PmtInfId", batch.id)
    _add(info, "PmtMtd", "DD")
    _add(info, "BtchBookg", "true")
    _add(info, "NbOfTxs", str(len(batch.collections)))
    _add(info, "CtrlSum", _major(batch.total))
    kind = _add(info, "PmtTpInf")
    _add(_add(kind, "SvcLvl"), "Cd", "SEPA")
    _add(_add(kind, "LclInstrm"), "Cd", "CORE")
    _add(kind, "SeqTp", batch.sequence)
    _add(info, "ReqdColltnDt", batch.collect_on.isoformat())
    _add(_add(info, "Cdtr"), "Nm", sepa(creditor.name, NAME))
    _add(_path(info, "CdtrAcct/Id"), "IBAN", creditor.iban)
    _agent(_path(info, "CdtrAgt/FinInstnId"), creditor.bic)
    _add(info, "ChrgBr", "SLEV")
    other = _path(info, "CdtrSchmeId/Id/PrvtId/Othr")
    _add(other, "Id", creditor.id)
    _add(_add(other, "SchmeNm"), "Prtry", "SEPA")
    for collection in batch.collections:
        _collection(_add(info, "DrctDbtTxInf"), collection)


def _collection(element: etree._Element, one: Collection) -> None:
    _add(_add(element, "PmtId"), "EndToEndId", one.end_to_end)
    _add(element, "InstdAmt", _major(one.amount)).set("Ccy", "EUR")
    mandate = _path(element, "DrctDbtTx/MndtRltdInf")
    _add(mandate, "MndtId", one.mandate)
    _add(mandate, "DtOfSgntr", one.signed_on.isoformat())
    _agent(_path(element, "DbtrAgt/FinInstnId"), "")
    _add(_add(element, "Dbtr"), "Nm", sepa(one.name, NAME) or "NOTPROVIDED")
    _add(_path(element, "DbtrAcct/Id"), "IBAN", one.iban)
    if text := sepa(one.text, TEXT):
        _add(_add(element, "RmtInf"), "Ustrd", text)


def _agent(element: etree._Element, bic: str) -> None:
    """Name a bank; within SEPA the IBAN is enough."""
    if bic:
        _add(element, "BICFI", bic)
    else:
        _add(_add(element, "Othr"), "Id", "NOTPROVIDED")


def _major(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    made = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    made.text = text
    return made


def _path(parent: etree._Element, names: str) -> etree._Element:
    for name in names.split("/"):
        parent = _add(parent, name)
    return parent
