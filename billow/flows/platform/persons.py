"""Keep the people behind connected accounts, as their platform describes them."""

import json
from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.fields import SHOWN
from billow.api.operation import merged_value
from billow.api.params import Params, merged
from billow.api.resource import Where
from billow.core.errors import Refused, require
from billow.flows.platform.connected_accounts import changed
from billow.resources import person as people
from billow.resources.connected_account import ConnectedAccount
from billow.resources.customer import Address
from billow.resources.person import Person
from billow.store.tx import Tx

HASHES = ("additional_tos_acceptances", "address", "dob", "registered_address", "relationship")
TEXTS = (
    "email", "first_name", "full_name_aliases", "gender", "last_name", "maiden_name", "nationality", "phone",
    "political_exposure",
)  # fmt: skip


class Described(Params):
    """What a platform says of somebody."""

    additional_tos_acceptances: people.Acceptances | None = f.nested(shape=people.Acceptances)
    address: Address | None = f.nested(shape=Address)
    dob: people.BirthDate | None = f.nested(shape=people.BirthDate, unset=True)
    email: str | None = f.email(unset=True)
    first_name: str | None = f.line(max=100, unset=True)
    full_name_aliases: list[str] | None = f.array(item=f.line(max=300), unset=True)
    gender: str | None = f.choice(SHOWN, "female", "male", unset=True)
    last_name: str | None = f.line(max=100, unset=True)
    maiden_name: str | None = f.line(max=100, unset=True)
    metadata: dict[str, str] = f.metadata()
    nationality: str | None = f.text(max=2, unset=True)
    phone: str | None = f.line(unset=True)
    political_exposure: str | None = f.choice(SHOWN, "existing", "none")
    registered_address: Address | None = f.nested(shape=Address)
    relationship: people.Relationship | None = f.nested(shape=people.Relationship)


@ConnectedAccount.below("POST", "persons", Described, of=ConnectedAccount)
def create(tx: Tx, account: ConnectedAccount, wanted: Described) -> Person:
    """Describe somebody behind a connected account. Emits `person.created`."""
    made = Person(account=account.id)
    described = made.but(**changes_of(made, wanted), metadata=merged({}, wanted.metadata))
    check_representative(tx, described)
    return rows.insert(tx, described)


def changes_of(person: Person, wanted: Described) -> dict[str, Any]:
    """Return what a request changes: hashes in part, the rest as it is sent."""
    sent = wanted.sent()
    changes: dict[str, Any] = {name: sent[name] for name in TEXTS if name in sent}
    if "full_name_aliases" in changes:
        changes["full_name_aliases"] = changes["full_name_aliases"] or []
    for name in HASHES:
        if name in sent:
            blank = f.blank(people.BirthDate, {})
            changes[name] = changed(getattr(person, name), sent[name]) if sent[name] else blank
    return changes


def check_representative(tx: Tx, person: Person) -> None:
    """Refuse a second representative of an account."""
    if not (person.relationship or {}).get("representative"):
        return
    found = tx.one(
        "select id from persons where account = %(account)s and id <> %(id)s"
        " and (relationship ->> 'representative')::boolean",
        account=person.account,
        id=person.id,
    )
    require(
        found is None,
        "An account can have one representative only: update the person who is, or change the relationship"
        " of that person first.",
        param="relationship[representative]",
    )


def found_of(tx: Tx, account: ConnectedAccount, id: str) -> Person:
    found = rows.find_many(tx, Person, [id]).get(id)
    if found is None or found.account != account.id:
        raise Refused(f"No such person: '{id}'", param="person", code="resource_missing", status=404)
    return found


@ConnectedAccount.below("GET", "persons/{person}", of=ConnectedAccount)
def retrieve(tx: Tx, account: ConnectedAccount, id: str) -> Person:
    """Retrieve somebody behind a connected account."""
    return found_of(tx, account, id)


@ConnectedAccount.below("POST", "persons/{person}", Described, of=ConnectedAccount)
def update(tx: Tx, account: ConnectedAccount, id: str, wanted: Described) -> Person:
    """Update what is said of somebody behind a connected account. Emits `person.updated`."""
    found = found_of(tx, account, id)
    changes = changes_of(found, wanted)
    if wanted.given("metadata"):
        changes["metadata"] = merged_value(found, "metadata", wanted.metadata)
    check_representative(tx, found.but(**changes))
    return rows.update(tx, found, **changes)


@ConnectedAccount.below("DELETE", "persons/{person}", of=ConnectedAccount)
def delete(tx: Tx, account: ConnectedAccount, id: str) -> dict[str, Any]:
    """Delete somebody of a connected account, but for its representative. Emits `person.deleted`."""
    found = found_of(tx, account, id)
    require(
        not (found.relationship or {}).get("representative"),
        "You cannot delete the representative of an account. Give the relationship to another person first.",
    )
    return rows.delete(tx, found)


class Related(Params):
    authorizer: bool | None = f.boolean()
    director: bool | None = f.boolean()
    executive: bool | None = f.boolean()
    legal_guardian: bool | None = f.boolean()
    owner: bool | None = f.boolean()
    representative: bool | None = f.boolean()


class Filters(listing.Paging):
    relationship: Related | None = f.nested(shape=Related)


@ConnectedAccount.below("GET", "persons", Filters, of=ConnectedAccount)
def persons(tx: Tx, account: ConnectedAccount, wanted: Filters) -> listing.Page:
    """List the people behind a connected account, newest first."""
    where = Where("account = %(account)s", account=account.id)
    if wanted.relationship:
        related = json.dumps(wanted.relationship.sent())
        where = where.also("relationship @> %(related)s::text::jsonb", related=related)
    return listing.below(tx, Person, where, wanted, f"/v1/accounts/{account.id}/persons")
