"""Export the catalog as one YAML file, plan what such a file would change, and apply it."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError

from billow.api import params, rows
from billow.api.fields import Field, declared, default_of, plain
from billow.api.operation import changes, draft, verbs
from billow.api.resource import REGISTRY, ROUTES, Resource, Verb
from billow.core.calendar import read_instant
from billow.core.errors import Refused, require
from billow.resources import meter as meters
from billow.resources import price as prices
from billow.resources.meter import Meter
from billow.resources.price import Price
from billow.resources.product import Product
from billow.store.tx import Database, Tx

MARK = "catalog_key"
"""The metadata that holds the `key` of an object whose noun has no key of its own."""


@dataclass(frozen=True, slots=True)
class Section:
    """A list in the file: its noun, the field that identifies an entry, and what archives one."""

    name: str
    object: str
    key: str
    archived: dict[str, Any] | None


#: Written in this order, since prices name products and meters, and coupons name products.
SECTIONS = (
    Section("products", "product", "id", {"active": False}),
    Section("meters", "billing.meter", "event_name", {"status": "inactive"}),
    Section("features", "entitlements.feature", "lookup_key", {"active": False}),
    Section("tax_rates", "tax_rate", "key", {"active": False}),
    Section("coupons", "coupon", "id", None),
    Section("prices", "price", "key", {"active": False}),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a plan: create, change, replace or archive."""

    action: str
    section: str
    key: str
    fields: tuple[str, ...] = ()


def sections() -> Iterator[tuple[Section, type[Resource]]]:
    """List the sections with the classes of their nouns."""
    return ((one, REGISTRY[one.object]) for one in SECTIONS if one.object in REGISTRY)


def hidden(row: Resource) -> bool:
    """Check whether a row is deleted, or a price that was created for one use."""
    return bool(getattr(row, "deleted", False) or getattr(row, "inline", False))


def on_sale(row: Resource) -> bool:
    """Check whether a row is active, and therefore in an exported file."""
    active = getattr(row, "active", True) and getattr(row, "status", "active") == "active"
    return bool(active) and not hidden(row)


def key_of(section: Section, row: Resource) -> str:
    """Return the key that identifies a row in its section of the file."""
    if section.key != "key":
        return str(getattr(row, section.key))
    marked = getattr(row, "metadata", {}).get(MARK)
    return str(getattr(row, "lookup_key", None) or marked or row.id)


def entry_of(tx: Tx, row: Resource) -> dict[str, Any]:
    """Return the params of a request that would create this row, without those at their defaults."""
    accepted = {name: spec for name, spec in type(row).accepted("create").items() if not spec.order}
    entry = without_defaults(
        {name: file_value(spec, getattr(row, name)) for name, spec in accepted.items()}, accepted
    )
    entry["metadata"] = {name: value for name, value in getattr(row, "metadata", {}).items() if name != MARK}
    if isinstance(row, Price):
        entry = price_entry(tx, row, entry)
    return {name: value for name, value in entry.items() if value != {}}


def file_value(spec: Field, value: Any) -> Any:
    """Return a field's value as the file has it: times in ISO 8601, decimals without trailing zeros."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return plain(value) if spec.kind in ("decimal", "number") and value is not None else value


def without_defaults(value: Any, specs: dict[str, Field] | None = None) -> Any:
    """Leave out what is absent or a default, and `…_decimal` where the whole amount is given too."""
    if isinstance(value, list):
        return [without_defaults(item) for item in value]
    if not isinstance(value, dict):
        return value
    specs = specs or {}
    kinds = {name: spec.kind for name, spec in specs.items()}
    present = {
        name: item if kinds.get(name) == "metadata" else without_defaults(item, fields_of(specs.get(name)))
        for name, item in value.items()
        if item is not None
    }
    return {
        name: item
        for name, item in present.items()
        if item not in ({}, [])
        and not (name in specs and item == default_of(specs[name]))
        and not (name.endswith("_decimal") and name.removesuffix("_decimal") in present)
    }


def fields_of(spec: Field | None) -> dict[str, Field] | None:
    """Return the fields of a hash; None for a field of another kind."""
    return declared(spec.shape) if spec and spec.kind == "hash" and spec.shape else None


def price_entry(tx: Tx, price: Price, entry: dict[str, Any]) -> dict[str, Any]:
    """Turn the entry of a price into params: meters by their event names, the last tier with `up_to: inf`."""
    entry = dict(entry)
    for amounts in (entry, *entry.get("currency_options", {}).values()):
        if "tiers" in amounts:
            amounts["tiers"] = [{"up_to": tier.get("up_to", "inf"), **tier} for tier in amounts["tiers"]]
        if "custom_unit_amount" in amounts:
            amounts["custom_unit_amount"] = {"enabled": True, **amounts["custom_unit_amount"]}
        if amounts.get("tax_behavior") == "unspecified":
            amounts.pop("tax_behavior")
    if "meter" in entry.get("recurring", {}):
        found = rows.find_many(tx, Meter, [entry["recurring"]["meter"]])
        names = [row.event_name for row in found.values()]
        entry["recurring"] = {**entry["recurring"], "meter": (names or [entry["recurring"]["meter"]])[0]}
    return entry


class TextConstructor(SafeConstructor):
    """Keeps decimals and dates as text, so that 0.10 does not become a float."""


for _kind in ("float", "timestamp"):
    TextConstructor.add_constructor(
        f"tag:yaml.org,2002:{_kind}", lambda self, node: self.construct_scalar(node)
    )


def export(tx: Tx) -> str:
    """Export everything that is on sale as a file that `apply` takes."""
    file: dict[str, list[dict[str, Any]]] = {}
    for section, cls in sections():
        found = [row for row in rows.select(tx, cls, "true", "order by created, id") if on_sale(row)]
        if found:
            file[section.name] = [exported_entry(tx, section, row) for row in found]
    stream = io.StringIO()
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(file, stream)
    return stream.getvalue() if file else "{}\n"


def exported_entry(tx: Tx, section: Section, row: Resource) -> dict[str, Any]:
    """Return the entry of a row with its key, and the default price of a product by its key."""
    entry = {section.key: key_of(section, row), **entry_of(tx, row)}
    if "lookup_key" in entry and section.key == "key":
        del entry["key"]
    if isinstance(row, Product) and row.default_price:
        default = rows.find_many(tx, Price, [row.default_price]).get(row.default_price)
        entry["default_price"] = key_of(SECTIONS[-1], default) if default else row.default_price
    return entry


def parse(text: str) -> dict[str, list[dict[str, Any]]]:
    """Read the file; refuse what is not YAML, or not lists of hashes in known sections."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = TextConstructor
    try:
        file = yaml.load(text) or {}
    except YAMLError as error:
        raise Refused(f"The file is not YAML: {error}") from None
    require(isinstance(file, dict), "The file must be a hash of lists: products, prices, …")
    known = {section.name for section, _ in sections()}
    for name, entries in file.items():
        require(name in known, f"There is no section {name}; there are {', '.join(sorted(known))}.")
        good = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
        require(good, f"{name} must be a list of hashes.")
    return file


class _RollBack(Exception):
    """Raised after everything was applied, to roll it back."""


def plan(db: Database, tenant: str, text: str) -> list[Step]:
    """List what a file would change: apply it and roll back, so that the same entries are refused."""
    steps: list[Step] = []
    try:
        with db.transaction(tenant) as tx:
            steps = apply(tx, text)
            raise _RollBack
    except _RollBack:
        return steps


def apply(tx: Tx, text: str) -> list[Step]:
    """Change the catalog to what the file says; archive what its sections do not name.

    Holds the advisory lock of the tenant's catalog. Every object is written by its own verb, with its events.
    """
    file = parse(text)
    steps: list[Step] = []
    named: dict[str, set[str]] = {}
    verb_of = {(verb.resource, verb.kind): verb for verb in verbs(ROUTES)}
    tx.run("select pg_advisory_xact_lock(hashtext(%(tenant)s))", tenant=f"catalog {tx.tenant}")
    for section, cls in sections():
        if section.name in file:
            writer = Writer(tx, section, cls, verb_of)
            named[section.name] = {writer.write(entry) for entry in file[section.name]}
            steps += writer.steps
    steps += set_default_prices(tx, file.get("products", []), verb_of)
    for section, cls in reversed(list(sections())):
        if section.name in named and section.archived:
            steps += archive(tx, section, cls, named[section.name])
    return steps


class Writer:
    """Writes the entries of one section with the verbs of its noun."""

    def __init__(self, tx: Tx, section: Section, cls: type[Resource], verb_of: dict[Any, Verb]) -> None:
        self.tx, self.section, self.cls, self.verb_of = tx, section, cls, verb_of
        self.steps: list[Step] = []
        self.seen: set[str] = set()
        found = rows.select(tx, cls, "true", "order by created, id")
        found = [row for row in found if not hidden(row)]
        self.known = {row.id: row for row in found}
        # Where several rows have one key, an active row wins over an archived one, then the newest wins.
        self.known |= {key_of(section, row): row for row in sorted(found, key=on_sale)}

    def write(self, entry: dict[str, Any]) -> str:
        """Create, change or replace the object of an entry; return the id of its row."""
        name = self.section.key
        key = entry.get("lookup_key") or entry.get("key") if name == "key" else entry.get(name)
        where = f"{self.section.name}: {entry.get('name') or entry.get('nickname') or entry}"
        require(isinstance(key, str | int) and key != "", f"{where} has no {name}.", param=name)
        key = str(key)
        require(key not in self.seen, f"{self.section.name}: {key} is there twice.")
        self.seen.add(key)
        sent = self.request_of(key, entry)
        try:
            row = self.create_or_change(key, sent)
        except Refused as refused:
            raise Refused(f"{self.section.name} {key}: {refused.message}", param=refused.param) from None
        return row.id

    def request_of(self, key: str, entry: dict[str, Any]) -> dict[str, Any]:
        """Return the params that a request would send for the entry: times in seconds, meters by id."""
        sent = {name: value for name, value in entry.items() if name not in ("key", "default_price")}
        accepted = self.cls.accepted("create")
        for name, value in sent.items():
            if name in accepted and accepted[name].kind == "timestamp" and isinstance(value, str):
                sent[name] = seconds_of(name, value)
        recurring = sent.get("recurring")
        if isinstance(recurring, dict) and recurring.get("meter"):
            by_name = rows.select(
                self.tx, Meter, "event_name = %(n)s and status = 'active'", n=recurring["meter"]
            )
            sent["recurring"] = {**recurring, "meter": by_name[0].id if by_name else recurring["meter"]}
        return sent

    def create_or_change(self, key: str, sent: dict[str, Any]) -> Resource:
        """Create the object if it is new, update it if it can be updated, and replace a price otherwise."""
        row = self.known.get(key)
        if row is None:
            return self.create("create", key, sent)
        was, wanted = entry_of(self.tx, row), entry_of(self.tx, self.draft_of(sent))
        differing = {name for name in {**was, **wanted} if was.get(name) != wanted.get(name)}
        if not getattr(row, "active", True) and "active" not in wanted:
            differing.add("active")
        if isinstance(row, Meter) and row.status == "inactive":
            row = meters.reactivate(self.tx, row)
            self.steps.append(Step("change", self.section.name, key, ("status",)))
        if not differing:
            return row
        if differing <= self.cls.accepted("update").keys() and not drops_currency(was, wanted):
            return self.change(key, row, was, wanted, differing)
        require(isinstance(row, Price), f"{', '.join(sorted(differing))} cannot be changed once it is made.")
        return self.create("replace", key, {**sent, "transfer_lookup_key": True}, tuple(sorted(differing)))

    def draft_of(self, sent: dict[str, Any]) -> Resource:
        """Return the row that the entry would become, unwritten; a price is checked."""
        made = draft(self.tx, self.cls, sent)
        return prices.drafted(self.tx, made) if isinstance(made, Price) else made

    def create(self, action: str, key: str, sent: dict[str, Any], why: tuple[str, ...] = ()) -> Resource:
        """Create an object; archive the price that it replaces, and take over as default price."""
        if self.section.key == "key" and "lookup_key" not in sent:
            sent = {**sent, "metadata": {**(sent.get("metadata") or {}), MARK: key}}
        verb = self.verb_of[self.cls, "create"]
        wanted = params.read(verb.params, sent) if verb.params else draft(self.tx, self.cls, sent)
        made: Resource = verb.run(self.tx, wanted)
        old = self.known.get(key)
        if isinstance(old, Price):
            # A default price cannot be archived, so its successor becomes the default first.
            products = rows.select(self.tx, Product, "default_price = %(id)s", id=old.id)
            for product in products:
                rows.update(self.tx, product, default_price=made.id, updated=self.tx.now)
            rows.update(self.tx, rows.find(self.tx, Price, old.id), active=False)
        self.steps.append(Step(action, self.section.name, key, why))
        return made

    def change(
        self, key: str, row: Resource, was: dict[str, Any], wanted: dict[str, Any], names: set[str]
    ) -> Resource:
        """Update an object; refuse a change that the update does not make. Locks its row."""
        verb = self.verb_of[self.cls, "update"]
        sent = {name: self.value_to_send(name, was.get(name), wanted.get(name)) for name in names}
        given = params.read(verb.params, sent) if verb.params else changes(self.tx, row, sent)
        after: Resource = verb.run(self.tx, rows.lock(self.tx, self.cls, row.id), given)
        now = entry_of(self.tx, after)
        stuck = sorted(name for name in names if now.get(name) != wanted.get(name))
        require(not stuck, f"{', '.join(stuck)} cannot be changed to this.")
        self.steps.append(Step("change", self.section.name, key, tuple(sorted(names))))
        return after

    def value_to_send(self, name: str, was: Any, wanted: Any) -> Any:
        """Return what the update sends for a field: as hashes are merged, removed keys are sent as empty."""
        spec = self.cls.specs[name]
        if spec.kind == "metadata":
            return {**dict.fromkeys(was or {}, ""), **(wanted or {})}
        return wanted if wanted is not None else "" if spec.unset else default_of(spec)


def drops_currency(was: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Check whether the file removes a currency, which an update cannot do."""
    return not (was.get("currency_options") or {}).keys() <= (wanted.get("currency_options") or {}).keys()


def seconds_of(name: str, text: str) -> int:
    """Turn a date or time of the file into seconds; UTC where it names no zone."""
    try:
        read = read_instant(text)
    except ValueError:
        raise Refused(f"{name}: {text} is no date or time, as 2026-01-31 or 2026-01-31T12:00:00.") from None
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())


def set_default_prices(tx: Tx, entries: list[dict[str, Any]], verb_of: dict[Any, Verb]) -> list[Step]:
    """Set the default prices of products, after all prices are written. Locks the products."""
    by_key = {key_of(SECTIONS[-1], row): row for row in rows.select(tx, Price, "active and not inline")}
    steps = []
    for entry in entries:
        if entry.get("default_price"):
            key = str(entry["default_price"])
            wanted = by_key[key].id if key in by_key else key
            product = rows.lock(tx, Product, str(entry["id"]))
            if product.default_price != wanted:
                update = verb_of[Product, "update"].run
                update(tx, product, changes(tx, product, {"default_price": wanted}))
                steps.append(Step("change", "products", product.id, ("default_price",)))
    return steps


def archive(tx: Tx, section: Section, cls: type[Resource], named: set[str]) -> list[Step]:
    """Archive the objects of a section that the file does not name, except for default prices of products."""
    steps: list[Step] = []
    default_prices = {row.default_price for row in rows.select(tx, Product, "default_price is not null")}
    for row in rows.select(tx, cls, "true", "order by created, id"):
        if row.id in named or not on_sale(row) or (isinstance(row, Price) and row.id in default_prices):
            continue
        if isinstance(row, Meter):
            meters.deactivate(tx, row)
        elif isinstance(row, Product):
            rows.update(tx, row, active=False, updated=tx.now)
        else:
            rows.update(tx, row, **(section.archived or {}))
        steps.append(Step("archive", section.name, key_of(section, row)))
    return steps
