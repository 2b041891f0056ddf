"""Know in which currency an account keeps its books: its country's, until it chooses one or has booked."""

from datetime import date

from babel.numbers import get_territory_currencies

from billow.core.money import CURRENCIES
from billow.flows.outside.seller import Profile
from billow.store.tx import Tx

CHOSEN = "currency_chosen"
"""Where an account notes in its hash `seller` that somebody chose the currency."""


def usual(country: str, on: date) -> str | None:
    """Return the currency that is money in a country on a day; None where there is no such country.

    >>> usual("SE", date(2026, 1, 1)), usual("HR", date(2022, 1, 1)), usual("HR", date(2026, 1, 1))
    ('sek', 'hrk', 'eur')
    """
    known = get_territory_currencies(country.upper(), on) if len(country) == 2 and country.isalpha() else []
    return str(known[-1]).lower() if known else None


def following(tx: Tx, known: Profile, country: str) -> str | None:
    """Return the currency that an account gets with another country; None where it keeps the one it has.

    It follows the country as long as nobody chose another one, and nothing is booked in either mode.
    """
    on = tx.wall.date()
    wanted = usual(country, on)
    chosen = known.seller.get(CHOSEN) or known.default_currency != usual(known.country, on)
    if wanted not in CURRENCIES or wanted == known.default_currency or chosen or is_booked(tx):
        return None
    return wanted


def is_booked(tx: Tx) -> bool:
    """Tell whether the account has booked anything, in this mode or in the other one."""
    found = []
    for mode in ("live" if not tx.livemode else "test", "live" if tx.livemode else "test"):
        tx.run("select set_config('billow.tenant', %(tenant)s, true)", tenant=f"{tx.account}/{mode}")
        found += tx.tuples("select 1 from ledger_transfers limit 1")
    return bool(found)
