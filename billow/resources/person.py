"""Persons: the people behind a connected account, its representative, owners and directors."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import Resource
from billow.resources.connected_account import FILES, PersonVerification
from billow.resources.customer import Address

NOTHING_DUE: dict[str, Any] = {
    "alternatives": [],
    "currently_due": [],
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}


class BirthDate(Params):
    day: int | None = f.integer(min=1, max=31, required=True)
    month: int | None = f.integer(min=1, max=12, required=True)
    year: int | None = f.integer(min=1900, max=2100, required=True)


class AcceptedTerms(Params):
    """When and from where somebody accepted the terms."""

    date: datetime | None = f.timestamp()
    ip: str | None = f.line(max=45)
    user_agent: str | None = f.line(max=500, unset=True)


class Acceptances(Params):
    account: dict[str, Any] | None = f.nested(shape=AcceptedTerms)


class Relationship(Params):
    """What somebody is to the company."""

    authorizer: bool | None = f.boolean(default=False)
    director: bool | None = f.boolean(default=False)
    executive: bool | None = f.boolean(default=False)
    legal_guardian: bool | None = f.boolean(default=False)
    owner: bool | None = f.boolean(default=False)
    percent_ownership: Decimal | None = f.number(min=0, max=100, unset=True)
    representative: bool | None = f.boolean(default=False)
    title: str | None = f.line(max=5000, unset=True)


class Person(Resource, object="person", prefix="person_", table="persons"):
    """Somebody behind a connected account. Numbers of identity papers are not taken; nobody is verified."""

    lacks = ("livemode",)

    account: str | None = f.text(required=True)
    additional_tos_acceptances: dict[str, Any] | None = f.nested(
        SHOWN, Acceptances, default={"account": f.blank(AcceptedTerms, {})}
    )
    address: dict[str, Any] | None = f.nested(SHOWN, Address, default=f.blank(Address, {}))
    dob: dict[str, Any] | None = f.nested(SHOWN, BirthDate, default=f.blank(BirthDate, {}))
    email: str | None = f.email()
    first_name: str | None = f.line(max=100)
    full_name_aliases: list[str] | None = f.array(item=f.line(max=300), default=[])
    future_requirements: dict[str, Any] | None = f.absent(NOTHING_DUE)
    gender: str | None = f.choice(SHOWN, "female", "male")
    id_number_provided: bool | None = f.absent(False)
    id_number_secondary_provided: bool | None = f.absent(False)
    last_name: str | None = f.line(max=100)
    maiden_name: str | None = f.line(max=100)
    metadata: dict[str, str] | None = f.metadata(SHOWN)
    nationality: str | None = f.text(max=2)
    phone: str | None = f.line()
    political_exposure: str | None = f.choice(SHOWN, "existing", "none")
    registered_address: dict[str, Any] | None = f.nested(SHOWN, Address, default=f.blank(Address, {}))
    relationship: dict[str, Any] | None = f.nested(SHOWN, Relationship, default=f.blank(Relationship, {}))
    requirements: dict[str, Any] | None = f.absent(NOTHING_DUE)
    ssn_last_4_provided: bool | None = f.absent(False)
    verification: dict[str, Any] | None = f.absent(
        f.blank(PersonVerification, {}), refs={"additional_document": FILES, "document": FILES}
    )
