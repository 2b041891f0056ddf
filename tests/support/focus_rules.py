"""Hold a FOCUS data set against the static rules of the requirements model: presence, type, format, null."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

Row = Mapping[str, str]
Check = Mapping[str, Any]

BINDING = ("MUST", "MUST NOT")
CURRENCY = re.compile(r"[A-Z]{3}")
DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def known_faults(expected: Mapping[str, Any]) -> set[str]:
    """The rules of the model that are defective, and fail for every data set."""
    return set(expected["expected_fail"]) | set(expected["with_all_criteria_also"])


def offences(
    model: Mapping[str, Any], columns: Sequence[str], rows: Sequence[Row], criteria: set[str]
) -> dict[str, str]:
    """Return the rules that do not hold, each with its text and the first row that breaks it."""
    found = {}
    above = conditions_above(model)
    for id, rule in model["ModelRules"].items():
        wanted = rule["ValidationCriteria"]
        applies = set(rule["ApplicabilityCriteria"]) <= criteria
        if rule["Type"] != "Static" or wanted["Keyword"] not in BINDING or not applies:
            continue
        if rule["Function"] == "Composite":
            continue  # its parts are rules of their own
        reached = [row for row in rows if all(holds(one, row) for one in above.get(id, ()))]
        missing = broken(columns, reached, wanted, rule["Function"])
        if missing is not None:
            found[id] = f"{wanted['MustSatisfy']} {missing}"
    return found


def conditions_above(model: Mapping[str, Any]) -> dict[str, list[Check]]:
    """Return for each rule the conditions of the rules that it is a part of."""
    found: dict[str, list[Check]] = {}
    for rule in model["ModelRules"].values():
        wanted = rule["ValidationCriteria"]
        for item in wanted["Requirement"].get("Items", ()):
            if item.get("CheckFunction") == "CheckModelRule" and wanted["Condition"]:
                found.setdefault(item["ModelRuleId"], []).append(wanted["Condition"])
    return found


def broken(
    columns: Sequence[str], rows: Sequence[Row], wanted: Mapping[str, Any], function: str
) -> Row | None:
    needed, condition = wanted["Requirement"], wanted["Condition"]
    name = needed.get("CheckFunction")
    if name == "ColumnPresent":
        return None if needed["ColumnName"] in columns else {"missing": needed["ColumnName"]}
    if name is None or not set(named(needed)) <= set(columns):
        return None
    if name == "CheckDistinctCount":
        pairs: dict[str, set[str]] = {}
        for row in rows:
            if row[needed["ColumnAName"]]:
                pairs.setdefault(row[needed["ColumnAName"]], set()).add(row[needed["ColumnBName"]])
        return next(({k: str(v)} for k, v in pairs.items() if len(v) != needed["ExpectedCount"]), None)
    # Nulls are the business of the rules of nullability: what has no value has no wrong one.
    said = set(named(needed)) if function == "Validation" else set()
    some = [row for row in rows if not said or any(row[column] for column in said)]
    return next((row for row in some if holds(condition, row) and not holds(needed, row)), None)


def named(check: Check) -> list[str]:
    found = [value for key, value in check.items() if key.endswith("ColumnName") or key in PAIRS]
    return [*found, *(name for item in check.get("Items", ()) for name in named(item))]


PAIRS = ("ColumnAName", "ColumnBName")


def holds(check: Check, row: Row) -> bool:
    """Whether a check holds for a row; a check that says nothing does."""
    if not check:
        return True
    if "AND" in check:  # some rules of the model are written like this
        inner = check["AND"]
        return all(holds(one, row) for one in (inner if isinstance(inner, list) else [inner]))
    name = check["CheckFunction"]
    if name in ("AND", "OR"):
        return (all if name == "AND" else any)(holds(item, row) for item in check["Items"])
    if name in ("CheckValue", "CheckNotValue"):
        return same(row.get(check["ColumnName"], ""), check["Value"]) == (name == "CheckValue")
    if name in ("CheckSameValue", "CheckNotSameValue"):
        equal = row.get(check["ColumnAName"]) == row.get(check["ColumnBName"])
        return equal == (name == "CheckSameValue")
    if name == "ColumnByColumnEqualsColumnValue":
        left, right, result = (row[check[each]] for each in (*PAIRS, "ResultColumnName"))
        return not (left and right and result) or Decimal(left) * Decimal(right) == Decimal(result)
    text = row.get(check["ColumnName"], "")
    if name == "CheckGreaterOrEqualThanValue":
        return not text or Decimal(text) >= check["Value"]
    return not text or FORMATS[name](text)


def same(text: str, value: Any) -> bool:
    if value is None:
        return text == ""
    return Decimal(text) == value if isinstance(value, int) else text == value


def is_json(text: str) -> bool:
    return all(isinstance(value, str | int | float | bool | None) for value in json.loads(text).values())


def is_instant(text: str) -> bool:
    return bool(INSTANT.fullmatch(text)) and datetime.fromisoformat(text) is not None


FORMATS: Mapping[str, Callable[[str], Any]] = {
    "TypeDecimal": DECIMAL.fullmatch,
    "FormatNumeric": DECIMAL.fullmatch,
    "CheckDecimalValue": DECIMAL.fullmatch,
    "TypeString": bool,
    "FormatString": bool,
    "FormatUnit": bool,
    "TypeDateTime": is_instant,
    "FormatDateTime": is_instant,
    "FormatKeyValue": is_json,
    "FormatCurrency": CURRENCY.fullmatch,
    "CheckNationalCurrency": CURRENCY.fullmatch,
}
