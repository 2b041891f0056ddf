"""Read what a bank says of a file of direct debits before they are booked (pain.002)."""

from dataclasses import dataclass

from lxml import etree

from billow.core.bank.statement import BadStatement

MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rejected:
    """A debit that the bank did not take, named by our id, and the reason (AM04, AC04 …)."""

    end_to_end: str
    reason: str | None


def read(data: bytes) -> list[Rejected]:
    """Return the debits that a report rejects; raise `BadStatement` where it is no report on payments.

    A report on a whole file or batch names no single debit, and is refused: a person decides.
    """
    if len(data) > MOST_BYTES:
        raise BadStatement("The file is too large.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise BadStatement(f"The file is not XML: {error.msg}") from None
    if root.getroottree().docinfo.doctype or "pain.002." not in (etree.QName(root).namespace or ""):
        raise BadStatement("The file is no report on payments in the format pain.002.")
    found = []
    for one in root.iter("{*}TxInfAndSts"):
        id, status = one.findtext("{*}OrgnlEndToEndId"), one.findtext("{*}TxSts")
        reason = one.findtext("{*}StsRsnInf/{*}Rsn/{*}Cd") or one.findtext("{*}StsRsnInf/{*}Rsn/{*}Prtry")
        if status == "RJCT" and id:
            found.append(Rejected(id.strip(), reason))
    whole = {one.text for name in ("GrpSts", "PmtInfSts") for one in root.iter(f"{{*}}{name}")}
    if "RJCT" in whole and not found:
        raise BadStatement("The bank rejects the whole file, and names no debit of it.")
    return found
