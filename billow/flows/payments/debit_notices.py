"""Order the notices of direct debits, by which payers hear of the amount and the day beforehand."""

from billow.core.bank import direct_debit
from billow.flows.mails import outbox
from billow.flows.mails.outbox import Mail
from billow.flows.outside.seller import day_of, seller_of
from billow.flows.payments import debit_mandates
from billow.flows.payments.locked_attempt import Case
from billow.providers.gateways import sepa_debit
from billow.store.tx import Tx


def order_notice(tx: Tx, case: Case) -> None:
    """Order the notice of a debit that our own bank collects, once for each attempt.

    It names what the rules of the scheme ask for: amount, day, mandate and creditor.
    """
    account, attempt = seller_of(tx).account, case.attempt
    if account is None or case.invoice is None or not attempt.token.startswith(sepa_debit.PREFIX):
        return
    day = direct_debit.collect_on(day_of(tx, attempt.created), account.notice_days, day_of(tx, tx.now))
    facts = {
        "invoice": case.invoice.id,
        "amount": attempt.amount,
        "day": day.isoformat(),
        "last4": attempt.token[-4:],
        "mandate": debit_mandates.signed(tx, attempt, case.method).reference,
        "creditor": account.creditor_id,
    }
    outbox.order(tx, [Mail("debit_notice", attempt.id, case.invoice.customer, facts)])
