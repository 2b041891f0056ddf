"""Read bank statements in ISO 20022 (camt.053), in any version from 02 on.

The versions differ in their namespace and in where they put the status, names and amounts of parts, so the
namespace is ignored and each place is looked at.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from lxml import etree

from billow.core.bank.statement import BadStatement, Entry, Statement
from billow.core.money import CURRENCIES, minor_digits

MOST_BYTES = 32 * 1024 * 1024
NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.\d\d")
OPENING, CLOSING = ("OPBD", "PRCD"), ("CLBD",)
PAGE = "ITBD"
"""The balance between two pages of one statement."""


def read(data: bytes) -> list[Statement]:
    """Read the statements of a file with their booked entries; raise `BadStatement` where it is none."""
    if len(data) > MOST_BYTES:
        raise BadStatement(f"The file is larger than {MOST_BYTES // 2**20} MiB.")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise BadStatement(f"The file is not XML: {error.msg}") from None
    if root.getroottree().docinfo.doctype:
        raise BadStatement("The file has a document type, which no bank statement has.")
    if not NAMESPACE.fullmatch(etree.QName(root).namespace or ""):
        raise BadStatement("The file is no bank statement in the format camt.053.")
    found = [_statement(each) for each in root.iter("{*}Stmt")]
    if not found:
        raise BadStatement("The file holds no statement.")
    return found


def _statement(element: etree._Element) -> Statement:
    id = _text(element, "Id") or "without id"
    balances = _balances(element)
    opening = next((balances[code] for code in (*OPENING, PAGE) if code in balances), None)
    closing = next((balances[code] for code in (*CLOSING, PAGE) if code in balances), None)
    if opening is None or closing is None:
        raise BadStatement(f"Statement {id} has no opening or no closing balance.")
    account = _text(element, "Acct/Id/IBAN") or _text(element, "Acct/Id/Othr/Id")
    if account is None:
        raise BadStatement(f"Statement {id} does not say of which account it is.")
    currency = _text(element, "Acct/Ccy") or closing[-1][1]
    entries = [entry for each in element.findall("{*}Ntry") for entry in _entries(each)]
    first, last = opening[0], closing[-1]
    if {first[1], last[1]} != {currency.lower()}:
        raise BadStatement(f"Statement {id} has balances in another currency than its account.")
    return Statement(id, account, currency.lower(), first[0], last[0], last[2], tuple(entries))


Balance = tuple[int, str, date | None]


def _balances(statement: etree._Element) -> dict[str, list[Balance]]:
    """Read the balances by their code: signed amount, currency and day."""
    found: dict[str, list[Balance]] = {}
    for each in statement.findall("{*}Bal"):
        amount, currency = _amount(_needed(each, "Amt"))
        sign = _sign(each)
        code = _text(each, "Tp/CdOrPrtry/Cd") or ""
        found.setdefault(code, []).append((sign * amount, currency, _day(each, "Dt")))
    return found


def _entries(element: etree._Element) -> Iterator[Entry]:
    """Read a booked entry, or the payments of one that is a batch; yield nothing for one not booked yet."""
    status = _text(element, "Sts/Cd") or _text(element, "Sts")
    if status != "BOOK":
        return
    total, currency = _amount(_needed(element, "Amt"))
    total *= _sign(element)
    parts = element.findall("{*}NtryDtls/{*}TxDtls")
    amounts = _amounts_of(parts, total, currency, _sign(element))
    if sum(amounts) != total:
        about = _text(element, "AcctSvcrRef") or _text(element, "NtryRef") or "without reference"
        raise BadStatement(f"The payments of the entry {about} do not add up to its amount.")
    for place, (part, amount) in enumerate(zip(parts or [None], amounts, strict=True)):
        yield _entry(element, part, amount, currency, place)


def _amounts_of(parts: list[etree._Element], total: int, currency: str, sign: int) -> list[int]:
    """Return the signed amounts of the payments of an entry; one alone has the amount of its entry."""
    if len(parts) < 2:
        return [total]
    found = []
    for part in parts:
        element = next(
            (
                one
                for place in ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
                if (one := _find(part, place)) is not None and (one.get("Ccy") or "").lower() == currency
            ),
            None,
        )
        if element is None:
            raise BadStatement("A payment of a batch has no amount in the currency of its entry.")
        own = _sign(part) if _text(part, "CdtDbtInd") else sign
        found.append(own * _amount(element)[0])
    return found


def _entry(
    entry: etree._Element, part: etree._Element | None, amount: int, currency: str, place: int
) -> Entry:
    booked = _day(entry, "BookgDt")
    if booked is None:
        raise BadStatement("An entry has no date of booking.")
    reason = _text(part, "RtrInf/Rsn/Cd") or _text(part, "RtrInf/Rsn/Prtry")
    mandate = _text(part, "Refs/MndtId")
    # The other side of a direct debit that came back is the debtor, as for money that came in.
    debtor = amount > 0 or reason is not None or mandate is not None
    party = "Dbtr" if debtor else "Cdtr"
    references = [each.text for each in _all(part, "RmtInf/Strd/CdtrRefInf/Ref") if each.text]
    texts = [each.text for each in (*_all(part, "RmtInf/Ustrd"), *_all(part, "RmtInf/Strd/AddtlRmtInf"))]
    said = " ".join([*references[1:], *(text for text in texts if text)])
    if part is None:
        said = _text(entry, "AddtlNtryInf") or ""
    return Entry(
        amount=amount,
        currency=currency,
        booked_on=booked,
        value_on=_day(entry, "ValDt"),
        bank_reference=_text(entry, "AcctSvcrRef") or _text(part, "Refs/AcctSvcrRef"),
        part=place,
        end_to_end=_text(part, "Refs/EndToEndId"),
        mandate=mandate,
        structured=references[0].strip() if references else None,
        text=" ".join(said.split()) or None,
        name=_text(part, f"RltdPties/{party}/Nm") or _text(part, f"RltdPties/{party}/Pty/Nm"),
        iban=_text(part, f"RltdPties/{party}Acct/Id/IBAN"),
        return_reason=reason,
        code=_text(part, "BkTxCd/Domn/Fmly/SubFmlyCd") or _text(entry, "BkTxCd/Domn/Fmly/SubFmlyCd"),
        reversal=_text(entry, "RvslInd") in ("true", "1"),
        batch=_text(entry, "NtryDtls/Btch/PmtInfId") or _text(part, "Refs/PmtInfId"),
    )


def _amount(element: etree._Element) -> tuple[int, str]:
    """Read an amount as minor units and its currency; refuse one with more decimals than the currency has."""
    text, currency = (element.text or "").strip(), (element.get("Ccy") or "").lower()
    if currency not in CURRENCIES or not re.fullmatch(r"\d{1,15}(\.\d{1,5})?", text):
        raise BadStatement(f"{text} {currency.upper()} is no amount.")
    minor = Decimal(text).scaleb(minor_digits(currency))
    if minor != int(minor):
        raise BadStatement(f"{text} {currency.upper()} has more decimals than the currency.")
    return int(minor), currency


def _sign(element: etree._Element) -> int:
    """Read whether money came in or left; a reversal says the direction that it has itself."""
    said = _text(element, "CdtDbtInd")
    if said not in ("CRDT", "DBIT"):
        raise BadStatement("An amount is neither a credit nor a debit.")
    return 1 if said == "CRDT" else -1


def _day(element: etree._Element, place: str) -> date | None:
    said = _text(element, f"{place}/Dt") or _text(element, f"{place}/DtTm")
    try:
        return date.fromisoformat(said[:10]) if said else None
    except ValueError:
        raise BadStatement(f"{said} is no date.") from None


def _path(place: str) -> str:
    return "/".join(f"{{*}}{name}" for name in place.split("/"))


def _find(element: etree._Element | None, place: str) -> etree._Element | None:
    return None if element is None else element.find(_path(place))


def _all(element: etree._Element | None, place: str) -> list[etree._Element]:
    return [] if element is None else element.findall(_path(place))


def _text(element: etree._Element | None, place: str) -> str | None:
    """Return the text of an element below, without spaces around it; None where it has none."""
    found = _find(element, place)
    return ((found.text or "").strip() or None) if found is not None else None


def _needed(element: etree._Element, place: str) -> etree._Element:
    found = _find(element, place)
    if found is None:
        raise BadStatement(f"{etree.QName(element).localname} lacks {place}.")
    return found
