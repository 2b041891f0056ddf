"""Show what is left of a customer's billing credits (§4.7)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import route
from billow.core import billing_credits
from billow.core.errors import Refused, require
from billow.flows.credits.grants import prices_named
from billow.resources import credit_grant
from billow.resources.credit_grant import MAX_PRICES, CreditGrant, PriceOf
from billow.resources.customer import Customer
from billow.store import clocks
from billow.store.tx import Tx


class ScopeFilter(Params):
    price_type: str | None = f.choice(SHOWN, "metered")
    prices: list[PriceOf] | None = f.array(item=PriceOf, max=MAX_PRICES)


class Filter(Params):
    applicability_scope: ScopeFilter | None = f.nested(shape=ScopeFilter)
    credit_grant: str | None = f.ref("billing.credit_grant")
    type: str = f.choice(SHOWN, "applicability_scope", "credit_grant", required=True)


class Summary(Params):
    customer: str = f.ref("customer", required=True)
    filter: Filter = f.nested(shape=Filter, required=True)


@route("GET", "/v1/billing/credit_balance_summary", Summary)
def summarize(tx: Tx, wanted: Summary) -> dict[str, Any]:
    """Sum the credits of one grant, or of those that pay for certain prices, by currency."""
    customer = rows.find(tx, Customer, wanted.customer, param="customer")
    tx = clocks.enter(tx, customer.test_clock)
    found = wanted_grants(tx, customer, wanted.filter)
    by_currency: dict[str, list[billing_credits.Grant]] = {}
    for one in found:
        by_currency.setdefault(one.currency, []).append(one)
    return {
        "object": "billing.credit_balance_summary",
        "balances": [balance_of(currency, grants, tx.now) for currency, grants in by_currency.items()],
        "customer": customer.id,
        "customer_account": None,
        "livemode": tx.livemode,
    }


def wanted_grants(tx: Tx, customer: Customer, wanted: Filter) -> list[billing_credits.Grant]:
    """Return the grants of a customer that a filter is about, the oldest first."""
    if wanted.type == "credit_grant":
        if not wanted.credit_grant:
            raise missing("filter[credit_grant]")
        one = rows.find(tx, CreditGrant, wanted.credit_grant, param="filter[credit_grant]")
        require(
            one.customer == customer.id,
            f"The credit grant {one.id} belongs to another customer.",
            param="filter[credit_grant]",
        )
        return [credit_grant.in_core(one)]
    scope = wanted.applicability_scope
    if scope is None or bool(scope.price_type) == bool(scope.prices):
        raise missing("filter[applicability_scope]")
    asked = frozenset(one.id for one in scope.prices or ())
    prices_named(tx, [one.id for one in scope.prices or ()], "filter[applicability_scope][prices]")
    held = rows.select(tx, CreditGrant, "customer = %(id)s", "order by created, id", id=customer.id)
    return [one for one in map(credit_grant.in_core, held) if covers(one, asked)]


def missing(param: str) -> Refused:
    return Refused(f"Missing required param: {param}.", param=param, code="parameter_missing")


def covers(grant: billing_credits.Grant, prices: frozenset[str]) -> bool:
    """Return whether a grant pays for one of these prices; of none named, whether for all metered ones."""
    return grant.prices is None or not grant.prices.isdisjoint(prices)


def balance_of(currency: str, grants: Sequence[billing_credits.Grant], now: datetime) -> dict[str, Any]:
    """Return what is granted less what was used, and what of it can be spent now."""
    available = sum(one.left for one in grants if billing_credits.is_eligible(one, currency, now))
    return {
        "available_balance": monetary(currency, available),
        "ledger_balance": monetary(currency, sum(one.left for one in grants)),
    }


def monetary(currency: str, value: int) -> dict[str, Any]:
    return {"monetary": {"currency": currency, "value": value}, "type": "monetary"}
