"""Say in words how a tax id of a type is written, to whom wrote another one."""

import re

from billow.core.tax_ids import SHAPES

EXAMPLES = {
    "ad_nrt": "A-123456-Z", "br_cnpj": "01.234.456/5432-10", "by_tin": "123456789",
    "ca_bn": "123456789 or 123456789RC0001", "ca_gst_hst": "123456789RT0002", "ca_pst_bc": "PST-1234-5678",
    "ca_qst": "1234567890TQ1234", "ch_uid": "CHE-123.456.789", "ch_vat": "CHE-123.456.789 MWST",
    "cl_tin": "12.345.678-K", "cn_tin": "123456789012345 or 91110000MA00ABCD1E", "cz_dic": "CZ1234567890",
    "es_cif": "A12345678", "eu_oss_vat": "EU123456789", "eu_vat": "DE123456789", "gb_vat": "GB123456789",
    "hr_oib": "HR12345678901", "in_gst": "12ABCDE3456FGZH", "it_cf": "12345678901 or RSSMRA80A01H501U",
    "jp_trn": "T1234567891234", "ke_pin": "P000111111A", "li_uid": "CHE123456789",
    "mk_vat": "MK1234567890123", "mx_rfc": "ABC010203AB9", "no_vat": "123456789MVA", "pl_nip": "PL1234567890",
    "pt_nif": "PT123456789", "sg_gst": "M12345678X", "sg_uen": "123456789F", "si_tin": "SI12345678",
    "sm_coe": "SM12345", "ve_rif": "J-12345678-9", "za_vat": "4123456789",
}  # fmt: skip
"""How numbers that are more than digits are written; two ways are parted by ` or `."""
NATIONAL = {"de_stn": "as 12/345/67890, without the digits that make it 13 for ELSTER"}
"""What is said beside the number of digits."""
DIGITS = re.compile(r"\\d\{(\d+)(?:,(\d+))?\}(?:\(\\d\{(\d+)\}\)\?)?")


def form(type: str) -> str:
    """Say how a tax id of a type is written; nothing where it need only look like a number.

    >>> form("vn_tin"), form("eu_vat"), form("zw_tin")
    ('It has 10, 12 or 13 digits.', 'It is written as DE123456789.', '')
    """
    if type in EXAMPLES:
        return f"It is written as {EXAMPLES[type]}."
    counts = digits(SHAPES.get(type, ""))
    if not counts:
        return ""
    *first, last = (str(one) for one in counts)
    many = f"{', '.join(first)} or {last}" if len(first) < LISTED else f"{first[0]} to {last}"
    beside = f", {NATIONAL[type]}" if type in NATIONAL else ""
    return f"It has {many if first else last} digits{beside}."


LISTED = 3
"""From how many further numbers of digits on only the first and the last are named."""


def digits(shape: str) -> list[int]:
    """Return how many digits a number of a shape may have; nothing where it has more than digits."""
    found = set[int]()
    for one in shape.split("|"):
        read = DIGITS.fullmatch(one)
        if read is None:
            return []
        fewest, most = int(read[1]), int(read[2] or read[1])
        found.update(range(fewest, most + 1))
        if read[3]:
            found.add(most + int(read[3]))
    return sorted(found)
