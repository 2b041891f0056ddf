#!/usr/bin/env bash
# A Money of py-moneyed counts the minor units of ISO 4217, and shows itself with the digits of CLDR, from Babel. In fifteen
# currencies the two differ: the forint, the rupiah, the Colombian peso and others have two digits in the standard and none in
# CLDR, the Iraqi dinar three and none. So one and the same object charges 199950 minor units of HUF and writes "HUF2,000", and
# 750 of IQD and writes "IQD1". An invoice whose lines are shown so does not add up to what is charged.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check babel==2.19.0 iso4217==1.16.20260101 py-moneyed==3.0

cat > "$folder/story.py" <<'PYTHON'
import sys
from importlib.metadata import version

import iso4217
from babel.numbers import UnknownCurrencyError, get_currency_precision
from moneyed import Money
from moneyed.l10n import format_money

print(*(f"{name} {version(name)}" for name in ("babel", "iso4217", "py-moneyed")))
shown = {}
for amount, currency in (("1999.50", "HUF"), ("0.750", "IQD"), ("1999.50", "USD")):
    money = Money(amount, currency)
    shown[currency] = money.get_amount_in_sub_unit(), format_money(money, locale="en_US")
    print(f"{amount} {currency} is {shown[currency][0]} minor units, shown as {shown[currency][1]}")
differ = []
for currency in iso4217.Currency:
    try:
        digits = get_currency_precision(currency.code)
    except UnknownCurrencyError:
        continue
    if currency.exponent is not None and digits != currency.exponent:
        differ.append(currency.code)
print(len(differ), "currencies have other digits in CLDR than in ISO 4217:", *sorted(differ))
expected = {"HUF": (199950, "HUF2,000"), "IQD": (750, "IQD1"), "USD": (199950, "$1,999.50")}
sys.exit(0 if (shown, len(differ)) == (expected, 15) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/story.py"
# Output seen:
#   babel 2.19.0 iso4217 1.16.20260101 py-moneyed 3.0
#   1999.50 HUF is 199950 minor units, shown as HUF2,000
#   0.750 IQD is 750 minor units, shown as IQD1
#   1999.50 USD is 199950 minor units, shown as $1,999.50
#   15 currencies have other digits in CLDR than in ISO 4217: AFN ALL COP HUF IDR IQD IRR KPW LAK LBP MGA MMK SOS SYP YER
