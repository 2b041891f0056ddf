#!/usr/bin/env bash
# Stripe's library for Python gives exact amounts as Decimal. Those in a map whose keys are currencies
# stay text, though their type says Decimal: the price of a unit in usd can be multiplied, the same price in eur cannot, and a
# sum of the two raises TypeError. What knows its fields' types is the class, and values of maps have none. copy.copy loses the
# class as well: the copy of a price is a bare object, while one that went through pickle is a price.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check stripe==16.1.0

cat > "$folder/story.py" <<'PYTHON'
import copy
import pickle
import sys
import typing

import stripe

price = stripe.Price.construct_from(
    {
        "id": "price_1",
        "object": "price",
        "currency": "usd",
        "unit_amount_decimal": "0.5",
        "tiers": [{"up_to": None, "unit_amount_decimal": "0.5"}],
        "currency_options": {"eur": {"unit_amount_decimal": "0.5"}},
    },
    "a key",
)
print("stripe", stripe.VERSION)
found = {
    "of the price": price.unit_amount_decimal,
    "of its tier": price.tiers[0].unit_amount_decimal,
    "of its option in eur": price.currency_options["eur"].unit_amount_decimal,
}
for name, value in found.items():
    print(f"unit_amount_decimal {name}: {value!r}")
said = typing.get_type_hints(stripe.Price.CurrencyOptions)["unit_amount_decimal"]
print("the type of the last is said to be", said)
copies = [copy.copy(price), copy.deepcopy(price), pickle.loads(pickle.dumps(price))]
print("copy, deepcopy and pickle of a Price make:", *(type(one).__name__ for one in copies))
seen = [type(value).__name__ for value in found.values()], [type(one).__name__ for one in copies]
sys.exit(0 if seen == (["Decimal", "Decimal", "str"], ["StripeObject", "StripeObject", "Price"]) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/story.py"
# Output seen:
#   stripe 16.1.0
#   unit_amount_decimal of the price: Decimal('0.5')
#   unit_amount_decimal of its tier: Decimal('0.5')
#   unit_amount_decimal of its option in eur: '0.5'
#   the type of the last is said to be typing.Optional[decimal.Decimal]
#   copy, deepcopy and pickle of a Price make: StripeObject StripeObject Price
