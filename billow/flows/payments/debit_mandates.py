"""Find the mandate under which the seller's own bank debits an account."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from billow.core.bank import direct_debit
from billow.flows.outside.seller import day_of
from billow.flows.payments import mandates
from billow.resources.attempt import Attempt
from billow.resources.payment_method import PaymentMethod
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Signed:
    """The reference of a mandate, and the day on which the payer gave it."""

    reference: str
    signed_on: date


def signed(tx: Tx, attempt: Attempt, method: PaymentMethod | None) -> Signed:
    """Return the mandate of an attempt: the one in force, or that which came with the method itself."""
    found = mandates.in_force(tx, method) if method else None
    if found is None:
        given = method.created if method else attempt.created
        return Signed(direct_debit.mandate_reference(attempt.payment_method or attempt.id), day_of(tx, given))
    reference = found.payment_method_details["sepa_debit"]["reference"]
    accepted = datetime.fromtimestamp(found.customer_acceptance["accepted_at"], UTC)
    return Signed(direct_debit.mandate_reference(reference), day_of(tx, accepted))
