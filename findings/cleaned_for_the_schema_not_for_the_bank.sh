#!/usr/bin/env bash
# sepaxml writes SEPA direct debits. Its option clean=True, which is on by default, turns names and texts into ASCII, not into the
# characters that the EPC lets banks insist on (a-z, A-Z, 0-9, and / - ? : ( ) . , ' + and space): an ampersand, a percent sign and
# a quotation mark stay, one letter made of another (the euro sign, a German quotation mark) becomes several, and the file is
# valid by the schema, which allows any character. A text that is too long loses its end, where the invoice's number stands, and a
# collection on a day on which TARGET is closed is written without a word.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sepaxml==2.7.0 text-unidecode==1.3 holidays==0.109

cat > "$folder/story.py" <<'PYTHON'
import re
import sys
from datetime import date
from html import unescape
from importlib.metadata import version

import holidays
from sepaxml import SepaDD

ALLOWED = re.compile(r"[a-zA-Z0-9/\-?:().,'+ ]*")
print(*(f"{name} {version(name)}" for name in ("sepaxml", "holidays")))


def written(description: str, collected: date = date(2026, 12, 28)) -> dict[str, str]:
    seller = {"name": "Müller & Söhne", "IBAN": "DE02120300000000202051", "BIC": "BYLADEM1001", "batch": True,
              "creditor_id": "DE98ZZZ09999999999", "currency": "EUR", "instrument": "CORE"}
    debits = SepaDD(seller, schema="pain.008.001.08", clean=True)
    debits.add_payment({
        "name": "Ann", "IBAN": "DE89370400440532013000", "BIC": "COBADEFFXXX", "amount": 5000, "type": "RCUR",
        "collection_date": collected, "mandate_id": "M-1", "mandate_date": date(2025, 1, 1),
        "description": description,
    })
    file = debits.export(validate=True).decode()
    tags = ("Nm", "Ustrd", "ReqdColltnDt")
    return {tag: unescape(re.findall(f"<{tag}>([^<]*)<", file)[0]) for tag in tags}


seen = []
first = written("Rechnung „R-2026-1“: 20 % Rabatt, 50 €")
for text in (first["Nm"], first["Ustrd"]):
    outside = sorted(set(re.sub(ALLOWED, "", text)))
    seen.append(outside)
    print(f"valid by the schema: {text!r}; outside of the set: {' '.join(outside)}")
long = written("Monatlicher Beitrag und Verbrauch, " * 4 + "Rechnung R-2026-00017")["Ustrd"]
seen.append((len(long), "R-2026-00017" in long))
print(f"a long text keeps {len(long)} characters, and its invoice's number: {seen[-1][1]}")
closed = date(2026, 12, 25)
day = written("R-2026-1", closed)["ReqdColltnDt"]
seen.append((day, closed in holidays.financial_holidays("ECB")))
print(f"to be collected on {day}, on which TARGET is closed: {seen[-1][1]}")
sys.exit(0 if seen == [["&"], ['"', "%"], (140, False), ("2026-12-25", True)] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/story.py"
# Output seen:
#   sepaxml 2.7.0 holidays 0.109
#   valid by the schema: 'Muller & Sohne'; outside of the set: &
#   valid by the schema: 'Rechnung ,,R-2026-1": 20 % Rabatt, 50 EUR'; outside of the set: " %
#   a long text keeps 140 characters, and its invoice's number: False
#   to be collected on 2026-12-25, on which TARGET is closed: True
