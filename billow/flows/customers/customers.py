"""Create and update customers, and attach the payment method that a request gives."""

from collections.abc import Mapping
from typing import Any

from billow.api import rows
from billow.core.errors import require
from billow.core.payments import names_test_method
from billow.flows.customers import balance, cash, held_drafts, waiting_retries
from billow.flows.customers.locations import located
from billow.flows.customers.payment_methods import attach_if_new, find_and_attach, find_or_store, store_source
from billow.resources import customer as customers
from billow.resources import payment_method as methods
from billow.resources import tax_id as tax_ids
from billow.resources.customer import Customer
from billow.resources.invoice_rendering_template import check_usable
from billow.store import clocks
from billow.store.perform import Steps
from billow.store.tx import Tx

DEFAULT = "invoice_settings[default_payment_method]"
CURRENCY = "usd"
"""The currency of a balance that is set before the customer has bought anything."""


@Customer.create
def create(tx: Tx, customer: Customer) -> Steps:
    """Create a customer; attach `payment_method`, and make it the default if it is named as that too.

    Emits the customer, its tax ids and its payment methods.
    """
    numbers = [
        tax_ids.drawn(tx, number, customer.id, f"tax_id_data[{place}][value]")
        for place, number in enumerate(customer.tax_id_data or [])
    ]
    customer = customer.but(tax=located(tx, customer))
    check_rendering(tx, None, customer.invoice_settings)
    given, default = customer.payment_method, customer.invoice_settings["default_payment_method"]
    method = None
    if given:
        tx, method = yield from find_or_store(tx, given, "payment_method")
        if default == given:
            settings = {**customer.invoice_settings, "default_payment_method": method.id}
            customer = customer.but(invoice_settings=settings)
    source = None
    if customer.source:
        tx, source = yield from store_source(tx, customer.source)
        customer = customer.but(default_source=source.id)
    # The customer is written only after the gateway has answered: a declined card leaves no customer.
    tx = clocks.enter(tx, customer.test_clock)
    if customer.balance:
        customer = customer.but(currency=customer.currency or CURRENCY)
    if customer.invoice_prefix:
        check_sequence(tx, customer.invoice_prefix, customer.next_invoice_sequence)
    customer = customer.but(numbered_from=customer.next_invoice_sequence)
    customer = customer.but(**customers.fresh(tx, customer))
    if customer.cash_balance:
        sent, customer = customer.cash_balance, customer.but(cash_balance=None)
        customer = customer.but(cash_balance=cash.with_mode(customer, tx.livemode, sent))
    made = rows.insert(tx, customer)
    for number in numbers:
        tax_ids.add(tx, number.but(customer=made.id))
    if made.balance:
        balance.record(tx, made, made.balance, "initial")
    for card in (method, source):
        if card:
            attach_if_new(tx, card, made.id)
    if default and default != given:
        methods.of_customer(tx, default, made.id, DEFAULT)
    return made


def check_sequence(tx: Tx, prefix: str, sequence: int) -> None:
    """Refuse a next invoice sequence that was used: an invoice with a used number could not be finalized."""
    row = tx.one(
        "select max(substring(number from '[0-9]+$')::numeric) as last from invoices"
        " where number ^@ %(prefix)s",
        prefix=f"{prefix}-",
    )
    last = (row["last"] if row else None) or 0
    require(
        sequence > last,
        f"The next invoice sequence must be greater than {last}, the last one that was used.",
        param="next_invoice_sequence",
    )


def check_rendering(tx: Tx, customer: Customer | None, settings: Mapping[str, Any]) -> None:
    """Refuse a template of papers that cannot be used; one that is archived may stay where it is."""
    template = (settings.get("rendering_options") or {}).get("template")
    before = (customer.invoice_settings.get("rendering_options") or {}) if customer else {}
    if template and template != before.get("template"):
        check_usable(tx, template, "invoice_settings[rendering_options][template]")


def new_series(customer: Customer, changes: dict[str, Any]) -> tuple[str, int] | None:
    """Return the prefix and the next number of invoices if an update changes either of them."""
    now = (customer.invoice_prefix or "", customer.next_invoice_sequence)
    then = (changes.get("invoice_prefix") or now[0], changes.get("next_invoice_sequence", now[1]))
    return then if then != now else None


@Customer.update
def update(tx: Tx, customer: Customer, changes: dict[str, Any]) -> Steps:
    """Update a customer. A default payment method must be attached to it, or a test card by its name.

    Emits the update, and the payment method that is attached.
    """
    prefix, settings = changes.get("invoice_prefix"), changes.get("invoice_settings") or {}
    if prefix and prefix != customer.invoice_prefix:
        customers.check_prefix(tx, prefix)
    if series := new_series(customer, changes):
        check_sequence(tx, *series)
    check_rendering(tx, customer, settings)
    token = changes.pop("source", None)
    changes.pop("validate", None)  # not needed: the gateway checks every card
    if token:
        tx, method = yield from store_source(tx, token)
        tx = clocks.of_customer(tx, customer.id)
        changes["default_source"] = attach_if_new(tx, method, customer.id).id
        customer = rows.lock(tx, Customer, customer.id)
    elif changes.get("default_source"):
        methods.of_customer(tx, changes["default_source"], customer.id, "default_source")
    default = settings.get("default_payment_method")
    if default and names_test_method(default):
        tx, method = yield from find_and_attach(tx, customer.id, default, DEFAULT)
        changes["invoice_settings"] = {**settings, "default_payment_method": method.id}
        customer = rows.lock(tx, Customer, customer.id)
    elif default and default != customer.invoice_settings["default_payment_method"]:
        methods.of_customer(tx, default, customer.id, DEFAULT)
    balance_change = changes.get("balance", customer.balance) - customer.balance
    if balance_change:
        changes["currency"] = customer.currency or CURRENCY
    if {"tax", "address", "shipping"} & changes.keys():
        changes["tax"] = located(tx, customer.but(**changes))
    if series := new_series(customer, changes):
        changes["numbered_from"] = series[1]
    if "cash_balance" in changes:
        changes["cash_balance"] = cash.with_mode(customer, tx.livemode, changes["cash_balance"])
    changed = rows.update(tx, customer, **changes)
    if {"invoice_settings", "default_source"} & changes.keys():
        waiting_retries.retry_with_new_method(tx, changed)
    if "tax" in changes:
        held_drafts.finalize_with_new_place(tx, changed)
    if balance_change:
        balance.record(tx, changed, balance_change, "adjustment")
    return changed
