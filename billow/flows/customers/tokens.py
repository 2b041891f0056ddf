"""Create and retrieve tokens of test cards, as older clients do before they attach or charge a card."""

from typing import Any

from billow.api import fields as f
from billow.api import rights, rows
from billow.api.params import Params
from billow.api.resource import route
from billow.core.errors import Refused
from billow.core.payments import Declined
from billow.flows.customers.payment_methods import ADDRESS, card_error, check_cvc, check_expiry, full_year
from billow.flows.outside.outside import refuse_test_card
from billow.providers.gateways import instruments
from billow.resources import payment_method as methods
from billow.resources.charge import card_of
from billow.resources.token import Token
from billow.store.ids import new_id
from billow.store.tx import Tx


class TokenCard(Params):
    address_city: str | None = f.text()
    address_country: str | None = f.text()
    address_line1: str | None = f.text()
    address_line2: str | None = f.text()
    address_state: str | None = f.text()
    address_zip: str | None = f.text()
    cvc: str | None = f.text()
    exp_month: int = f.integer(required=True)
    exp_year: int = f.integer(min=0, max=2100, required=True)
    name: str | None = f.line()
    number: str = f.text(max=30, required=True)


class CvcUpdate(Params):
    cvc: str = f.text(max=30, required=True)


class Create(Params):
    card: TokenCard | None = f.nested(shape=TokenCard)
    cvc_update: CvcUpdate | None = f.nested(shape=CvcUpdate)


@route("POST", "/v1/tokens", Create)
@rights.browser()
def create(tx: Tx, wanted: Create) -> Token:
    """Create a token of a test card, to be attached or charged once, or of a security code typed again."""
    if wanted.cvc_update and not wanted.card:
        return security_code(tx, wanted.cvc_update)
    if wanted.card is None:
        raise Refused("Missing required param: card.", param="card", code="parameter_missing")
    if tx.livemode:
        raise Refused(
            "Card numbers are accepted in test mode only.", param="card[number]", code="testmode_charges_only"
        )
    card, year = wanted.card, full_year(wanted.card.exp_year)
    check_expiry(tx, card.exp_month, year)
    check_cvc(card.cvc)
    found = instruments.find(card.number)
    if isinstance(found, Declined):
        raise card_error(found)
    shown = {
        **methods.card_shown(found.card(tx.now).details().details),
        "exp_month": card.exp_month,
        "exp_year": year,
    }
    details = {**methods.blank_details(), "name": card.name, "address": address_of(card)}
    return rows.insert(
        tx, Token(card=card_of(new_id("card_"), shown, details, None), reference=ready_name(found))
    )


def security_code(tx: Tx, typed: CvcUpdate) -> Token:
    """Write a token of a security code, which is checked here and kept nowhere."""
    if tx.livemode:
        raise Refused(
            "Security codes are accepted in test mode only.",
            param="cvc_update[cvc]",
            code="testmode_charges_only",
        )
    check_cvc(typed.cvc)
    return rows.insert(tx, Token(id=new_id("cvctok_"), reference="cvc", type="cvc_update"))


def address_of(card: TokenCard) -> dict[str, Any]:
    return {name: getattr(card, older) for older, name in ADDRESS.items()}


def ready_name(card: instruments.Instrument) -> str:
    """Return the ready token of a test card: tok_visa."""
    return "tok_" + card.token.removeprefix("pm_card_")


@route("GET", "/v1/tokens/{id}")
def retrieve(tx: Tx, id: str) -> Token:
    """Retrieve a token; show a ready one, such as tok_visa, as if it had been created now."""
    if found := rows.find_many(tx, Token, [id]).get(id):
        return found
    refuse_test_card(tx, id)
    known = instruments.find(id) if id.startswith("tok_") else None
    if known is None or isinstance(known, Declined):
        raise rows.no_such(tx, Token, id)
    shown = methods.card_shown(known.card(tx.now).details().details)
    card = card_of(new_id("card_"), shown, methods.blank_details(), None)
    return Token(id=id, created=tx.now, card=card, reference=id)
