"""Create and change the accounts of businesses for which a platform bills."""

from collections.abc import Mapping
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params, merged
from billow.core.errors import Refused, require
from billow.flows.outside import home_currency
from billow.flows.outside.outside import has_gateway
from billow.flows.platform import external_accounts, profiles
from billow.resources import connected_account as accounts
from billow.resources.connected_account import TYPES, ConnectedAccount
from billow.store import outbox
from billow.store.ids import new_id
from billow.store.platforms import platform_of
from billow.store.tx import Tx

CARDS = "card_payments"
CAPABILITIES = (CARDS, "transfers")
"""What an account is asked to have where the request names nothing."""


class Update(Params):
    business_profile: accounts.BusinessProfile | None = f.nested(shape=accounts.BusinessProfile)
    business_type: str | None = f.choice(f.SHOWN, *accounts.BUSINESSES)
    capabilities: dict[str, accounts.Requested] | None = f.map_of(shape=accounts.Requested)
    company: accounts.Company | None = f.nested(shape=accounts.Company)
    default_currency: str | None = f.currency()
    email: str | None = f.email(unset=True)
    external_account: str | external_accounts.Described | None = f.ref(
        "bank_account", shape=external_accounts.Described
    )
    individual: accounts.Individual | None = f.nested(shape=accounts.Individual)
    metadata: dict[str, str] = f.metadata()
    settings: accounts.Settings | None = f.nested(shape=accounts.Settings)
    tos_acceptance: accounts.Acceptance | None = f.nested(shape=accounts.Acceptance)


class Create(Update):
    controller: accounts.Controller | None = f.nested(shape=accounts.Controller)
    country: str | None = f.text(max=2)
    type: str | None = f.choice(f.SHOWN, "custom", "express", "standard", "none")


HASHES = ("business_profile", "company", "individual", "settings", "tos_acceptance")


@ConnectedAccount.create(Create)
def create(tx: Tx, wanted: Create) -> ConnectedAccount:
    """Create an account for a business, with books of its own; requests name it with `Stripe-Account`."""
    country = (wanted.country or country_of(tx)).upper()
    currency = home_currency.usual(country, tx.wall.date())
    require(
        currency,
        f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code.",
        param="country",
    )
    kind = kind_of(wanted)
    asked = requested(wanted.capabilities or {}) or CAPABILITIES
    made = rows.insert(
        tx,
        ConnectedAccount(
            id=new_id(ConnectedAccount.prefix),
            business_type=wanted.business_type,
            capabilities=dict.fromkeys(asked, "inactive"),
            controller=controller_of(kind, rows.plain_value(wanted.controller) or {}),
            country=country,
            default_currency=wanted.default_currency or currency or "",
            email=wanted.email,
            metadata=merged({}, wanted.metadata),
            requested_at=dict.fromkeys(asked, int(tx.now.timestamp())),
            type=kind,
            **{name: given.shown() for name in HASHES if (given := getattr(wanted, name))},
        ),
        event=None,
    )
    tx.run(
        "insert into accounts"
        " (id, name, country, default_currency, created, api_version, platform, may_charge)"
        " select %(id)s, %(name)s, %(country)s, %(currency)s, %(now)s, api_version, %(platform)s, false"
        " from accounts where id = %(platform)s",
        id=made.id,
        name=name_of(made),
        country=made.country,
        currency=made.default_currency,
        now=tx.wall,
        platform=tx.account,
    )
    profiles.copy(tx, made, {})
    if wanted.external_account:
        external_accounts.add(tx, made, wanted.external_account)
    return after(tx, made, {}) if is_complete(made) else made


def country_of(tx: Tx) -> str:
    """Return the platform's own country, in which an account is where the request names none."""
    found = tx.one("select country from accounts where id = %(id)s", id=tx.account)
    return str(found["country"]) if found else ""


def kind_of(wanted: Create) -> str:
    """Return the type of an account: as the request says, or none where it describes a controller."""
    require(
        not (wanted.type and wanted.type != "none" and wanted.controller),
        "You may not provide the `type` parameter and `controller` parameters simultaneously. They are"
        " mutually exclusive.",
        param="type",
    )
    return wanted.type or ("none" if wanted.controller else "standard")


def controller_of(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return who controls an account: what its type says, or what the request does."""
    payer, losses, collection, dashboard = TYPES.get(kind, TYPES["standard"])
    fees, asked = given.get("fees") or {}, given.get("losses") or {}
    shown = given.get("stripe_dashboard") or {}
    return {
        "fees": {"payer": fees.get("payer") or payer},
        "is_controller": True,
        "losses": {"payments": asked.get("payments") or losses},
        "requirement_collection": given.get("requirement_collection") or collection,
        "stripe_dashboard": {"type": shown.get("type") or dashboard},
        "type": "application",
    }


def requested(capabilities: Mapping[str, accounts.Requested]) -> list[str]:
    """Return the capabilities that a request asks for, by name."""
    unknown = sorted(name for name in capabilities if name not in accounts.CAPABILITIES)
    if unknown:
        raise Refused(
            f"Received unknown parameter: capabilities[{unknown[0]}]",
            param=f"capabilities[{unknown[0]}]",
            code="parameter_unknown",
        )
    return [name for name, how in capabilities.items() if how.requested]


def name_of(account: ConnectedAccount) -> str | None:
    """Return the name on the account's invoices: that of the business, of the company, or of the person."""
    person = account.individual or {}
    full = " ".join(part for part in (person.get("first_name"), person.get("last_name")) if part)
    company = account.company or {}
    return account.business_profile.get("name") or company.get("name") or full or None


def update(tx: Tx, account: ConnectedAccount, wanted: Update) -> ConnectedAccount:
    """Update what an account says of its business. Emits `account.updated`."""
    sent = wanted.sent()
    refuse_tax_ids(wanted)
    plain = ("business_type", "default_currency", "email")
    changes: dict[str, Any] = {name: sent[name] for name in plain if name in sent}
    if wanted.external_account:
        external_accounts.add(tx, account, wanted.external_account, default=True)
    for name in HASHES:
        if sent.get(name):
            changes[name] = changed(getattr(account, name), sent[name])
    if "metadata" in sent:
        changes["metadata"] = merged(account.metadata, wanted.metadata)
    if wanted.capabilities is not None:
        asked = wanted.capabilities
        named = set(requested(asked))
        state = state_of(account.charges_enabled)
        kept = account.capabilities.items()
        left = {name: state for name, state in kept if name in named or name not in asked}
        changes["capabilities"] = left | dict.fromkeys(sorted(named - left.keys()), state)
    return after(tx, account, changes)


def changed(before: Mapping[str, Any] | None, part: Params) -> dict[str, Any]:
    """Return a hash with what a request says of it; hashes in it are changed likewise, not replaced."""
    if not before:
        return part.shown()
    now, shown = dict(before), part.shown()
    for name, value in part.sent().items():
        now[name] = changed(now.get(name), value) if isinstance(value, Params) else shown[name]
    return now


def is_complete(account: ConnectedAccount) -> bool:
    """Check whether the holder of an account has said what is due."""
    accepted = account.tos_acceptance["date"] is not None and account.business_type is not None
    return account.details_submitted or accepted


def refuse_tax_ids(wanted: Update) -> None:
    """Refuse tax ids of another account: it names them itself, by a request with its own key or header."""
    invoices = wanted.settings.invoices if wanted.settings else None
    named = invoices.get("default_account_tax_ids") if isinstance(invoices, dict) else None
    require(
        not named,
        "Send the request as the connected account, with the header Stripe-Account.",
        param="settings[invoices][default_account_tax_ids]",
    )


def after(tx: Tx, account: ConnectedAccount, changes: dict[str, Any]) -> ConnectedAccount:
    """Write the changes of an account, and what follows from them: its name, and whether it can charge."""
    now = account.but(**changes)
    changes["details_submitted"] = is_complete(now)
    able = changes["details_submitted"] and not now.rejected and takes_payments(tx, account)
    changes["charges_enabled"] = able
    changes["capabilities"] = dict.fromkeys(now.capabilities, state_of(able))
    since, asked = int(tx.now.timestamp()), account.requested_at
    changes["requested_at"] = {name: asked.get(name, since) for name in now.capabilities}
    written = rows.update(tx, account, **changes)
    tell(tx, account, written)
    tx.run(
        "update accounts set name = %(name)s, default_currency = %(currency)s, may_charge = %(able)s"
        " where id = %(id)s",
        id=account.id,
        name=name_of(written),
        currency=written.default_currency,
        able=written.details_submitted and not written.rejected and CARDS in written.capabilities,
    )
    profiles.copy(tx, written, account.settings)
    return written


def tell(tx: Tx, before: ConnectedAccount, after: ConnectedAccount) -> None:
    """Emit `capability.updated` for each capability whose state has changed."""
    told = accounts.changed_capabilities(before, after, tx.now)
    outbox.write(
        tx,
        [
            outbox.NewEvent(
                "capability.updated", new, {name: old[name] for name in new if new[name] != old[name]}
            )
            for new, old in told
        ],
    )


def takes_payments(tx: Tx, account: ConnectedAccount) -> bool:
    """Check whether a gateway takes payments of an account: the platform's, or one of its own."""
    if has_gateway(tx):
        return True
    with tx.within(f"{account.id}/{tx.tenant.split('/')[1]}") as there:
        return has_gateway(there)


def follow_gateways(tx: Tx) -> None:
    """Let connected accounts charge, or not, as the gateways say that were configured or stopped just now.

    They are those of a platform, and the account itself where it is connected. Emits `account.updated` and
    `capability.updated` of each that changes.
    """
    for account in rows.select(tx, ConnectedAccount, "true", "order by id for update"):
        follow_gateway(tx, account)
    platform = platform_of(tx)
    if platform:
        with tx.within(platform) as there:
            for account in rows.lock_many(there, ConnectedAccount, [tx.account]):
                follow_gateway(there, account)


def follow_gateway(tx: Tx, account: ConnectedAccount) -> None:
    able = account.details_submitted and not account.rejected and takes_payments(tx, account)
    if able != account.charges_enabled:
        after(tx, account, {})


def state_of(charges: bool) -> str:
    return "active" if charges else "inactive"


@ConnectedAccount.delete
def delete(tx: Tx, account: ConnectedAccount) -> dict[str, Any]:
    """Disconnect an account: no request can name it any more. Its books stay."""
    return rows.delete(tx, account, event=None)


class Reject(Params):
    reason: str = f.choice(f.SHOWN, "fraud", "other", "terms_of_service", required=True)


@ConnectedAccount.action("reject", Reject)
def reject(tx: Tx, account: ConnectedAccount, wanted: Reject) -> ConnectedAccount:
    """Reject an account, which can charge nobody any more. Emits `account.updated`."""
    inactive = dict.fromkeys(account.capabilities, "inactive")
    tx.run("update accounts set may_charge = false where id = %(id)s", id=account.id)
    after = rows.update(tx, account, charges_enabled=False, rejected=wanted.reason, capabilities=inactive)
    tell(tx, account, after)
    return after
