"""Answer lists of nouns that billow does not have: each is empty, as in an account that has none of them.

Clients read many lists as a matter of course, and one that is 404 ends their run. Here is every list of
Stripe's v1 that can be read without naming an object first (tests/api/test_empty_lists.py). A noun that
billow gets later has a file of its own, and its line here is removed.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from billow.api import fields as f
from billow.api import listing
from billow.api.listing import Page, Paging
from billow.api.params import Params
from billow.api.resource import ROUTES, Verb
from billow.core.errors import Refused
from billow.store.tx import Tx

#: The path of each list, its noun, and the filters that it takes besides paging.
LISTS: tuple[tuple[str, str, str], ...] = (
    ("/v1/apple_pay/domains", "apple_pay_domain", "domain_name"),
    ("/v1/apps/installs", "apps.install", "account app approval_required channel created created_by status"),
    ("/v1/apps/secrets", "apps.secret", "scope"),
    ("/v1/billing/alerts", "billing.alert", "alert_type meter"),
    ("/v1/climate/orders", "climate.order", ""),
    ("/v1/climate/products", "climate.product", ""),
    ("/v1/climate/suppliers", "climate.supplier", ""),
    ("/v1/country_specs", "country_spec", ""),
    ("/v1/exchange_rates", "exchange_rate", ""),
    ("/v1/financial_connections/accounts", "financial_connections.account", "account_holder session"),
    ("/v1/forwarding/requests", "forwarding.request", "created"),
    ("/v1/identity/verification_reports", "identity.verification_report",
     "client_reference_id created type verification_session"),
    ("/v1/identity/verification_sessions", "identity.verification_session",
     "client_reference_id created related_customer related_customer_account status"),
    ("/v1/issuing/authorizations", "issuing.authorization", "card cardholder created status"),
    ("/v1/issuing/cardholders", "issuing.cardholder", "created email phone_number status type"),
    ("/v1/issuing/cards", "issuing.card",
     "cardholder created exp_month exp_year last4 personalization_design status type"),
    ("/v1/issuing/disputes", "issuing.dispute", "created status transaction"),
    ("/v1/issuing/personalization_designs", "issuing.personalization_design",
     "lookup_keys preferences status"),
    ("/v1/issuing/physical_bundles", "issuing.physical_bundle", "status type"),
    ("/v1/issuing/transactions", "issuing.transaction", "card cardholder created type"),
    ("/v1/radar/value_lists", "radar.value_list", "alias contains created"),
    ("/v1/reviews", "review", "created"),
    ("/v1/sigma/scheduled_query_runs", "scheduled_query_run", ""),
    ("/v1/tax/locations", "tax.location", "type"),
    ("/v1/terminal/configurations", "terminal.configuration", "is_account_default"),
    ("/v1/terminal/locations", "terminal.location", ""),
    ("/v1/terminal/readers", "terminal.reader", "device_type location serial_number status"),
    ("/v1/three_d_secure/authentications", "three_d_secure.authentication", "created status"),
    ("/v1/topups", "topup", "amount created status"),
    ("/v1/treasury/financial_accounts", "treasury.financial_account", "created status"),
)  # fmt: skip


class AccountHolder(Params):
    account: str | None = f.text()
    customer: str | None = f.text()
    customer_account: str | None = f.text()


class Preferences(Params):
    is_default: bool | None = f.boolean()
    is_platform_default: bool | None = f.boolean()


class Scope(Params):
    type: str | None = f.text()
    user: str | None = f.text()


#: Filters that are not texts. An amount of top-ups is a whole number or a range of them, as an instant is.
FILTERS: Mapping[str, Callable[[], Any]] = {
    **dict.fromkeys(("amount", "arrival_date", "created"), f.instants),
    **dict.fromkeys(("created_after", "created_before"), f.timestamp),
    **dict.fromkeys(("active", "approval_required", "enabled"), f.boolean),
    **dict.fromkeys(("is_account_default", "is_default"), f.boolean),
    **dict.fromkeys(("exp_month", "exp_year"), f.integer),
    "account_holder": partial(f.nested, shape=AccountHolder),
    "application": partial(f.text, unset=True),
    "charge": partial(f.ref, "charge"),
    "customer": partial(f.ref, "customer"),
    "email": f.email,
    "invoice": partial(f.ref, "invoice"),
    "lookup_keys": partial(f.array, item=f.text()),
    "meter": partial(f.ref, "billing.meter"),
    "payment_intent": partial(f.ref, "payment_intent"),
    "preferences": partial(f.nested, shape=Preferences),
    "related_customer": partial(f.ref, "customer"),
    "scope": partial(f.nested, shape=Scope),
}


def _params(name: str, above: type[Params], accepted: str) -> type[Params]:
    """Make a class of params from the names of what is accepted."""
    names = accepted.split()
    declared = {name: FILTERS.get(name, f.text)() for name in names}
    return type(name, (above,), {**declared, "__annotations__": dict.fromkeys(names, Any)})


def _declare(path: str, noun: str, filters: str) -> None:
    """Declare the list of a noun that is not there, and that none of them is found by its id."""
    words = noun.rpartition(".")[2].replace("_", " ")

    def run(tx: Tx, wanted: Paging) -> Page:
        return listing.empty(tx, words, wanted, path)

    def find(tx: Tx, id: str, *wanted: Any) -> None:
        raise Refused(f"No such {words}: '{id}'", param="id", code="resource_missing", status=404)

    plural = path.rpartition("/")[2].replace("_", " ")
    run.__doc__ = f"List {plural}: billow has none, so the list is empty."
    find.__doc__ = f"Retrieve one of the {plural}, by its id: billow has none, so none is found."
    ROUTES.append(Verb("list", "GET", path, run, None, _params("Filters", Paging, filters)))
    if path != "/v1/accounts":  # a key can retrieve its own account
        ROUTES.append(Verb("retrieve", "GET", f"{path}/{{id}}", find, None))


for _list in LISTS:
    _declare(*_list)
