"""Keep what a unit of a meter costs the seller, from which gross margin is calculated."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from billow.api import rows
from billow.core.errors import Refused, require
from billow.core.money import CURRENCIES, EXACT, minor_digits
from billow.resources.meter import Meter
from billow.store.tx import Tx

COUNTED = ("count", "sum")


def set_cost(tx: Tx, event_name: str, amount: str, currency: str, since: date) -> None:
    """Set the cost of a unit of an active meter from a day on; the amount is in the currency's main unit."""
    code = currency.lower()
    require(code in CURRENCIES, f"There is no currency {currency}.", param="currency")
    try:
        cost = Decimal(amount).scaleb(minor_digits(code), context=EXACT)
    except InvalidOperation:
        raise Refused(f"{amount} is no amount, as 0.0025 is.") from None
    require(cost.is_finite() and cost >= 0, "A cost is 0 or more.")
    found = rows.select(tx, Meter, "event_name = %(name)s and status = 'active'", name=event_name)
    require(found, f"There is no active meter with the event name {event_name}.")
    formula = found[0].default_aggregation["formula"]
    require(formula in COUNTED, f"The meter {event_name} keeps the {formula} value: it has no units.")
    tx.run(
        "insert into meter_costs (meter, since, currency, cost)"
        " values (%(meter)s, %(since)s, %(code)s, %(cost)s) on conflict (tenant, meter, since)"
        " do update set currency = excluded.currency, cost = excluded.cost",
        meter=found[0].id,
        since=since,
        code=code,
        cost=cost,
    )


def costs(tx: Tx) -> list[list[Any]]:
    """List the costs of a unit of each meter, in minor units, and from when each is."""
    found = tx.tuples(
        "select m.event_name, c.since, c.currency, c.cost from meter_costs c join meters m on m.id = c.meter"
        " order by m.event_name, c.since"
    )
    return [
        [name, since, code, Decimal(cost).scaleb(-minor_digits(code))] for name, since, code, cost in found
    ]
