"""Deliver the credits of a wallet's top-up when its invoice is paid, and take back what is not used of them.

The verbs that change the status of an invoice call these functions in the same transaction, so the credits
are there exactly when the invoice is paid. `earned` of a prepaid line is what was delivered of it; the rest
of its net is deferred revenue. All of them have locked the customer.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from billow.api import rows
from billow.core.billing_credits import PAID
from billow.core.money import proportional
from billow.flows.credits import application, grants, wallet_checks
from billow.ledger import entries, post
from billow.resources.credit_balance_transaction import CreditBalanceTransaction
from billow.resources.credit_grant import CreditGrant
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import PREPAID, InvoiceLine
from billow.resources.wallet import Wallet
from billow.store.tx import Tx


def prepaid_lines(tx: Tx, invoices: Sequence[Invoice]) -> list[InvoiceLine]:
    """Return the lines of top-ups among invoices, as they are now."""
    bought = [one.id for one in invoices if one.wallet]
    if not bought:
        return []
    return rows.select(
        tx, InvoiceLine, "invoice = any(%(ids)s) and kind = %(kind)s", ids=bought, kind=PREPAID
    )


def undelivered(line: InvoiceLine) -> int:
    return line.net - line.credited - line.earned


def deliver(tx: Tx, paid: Sequence[Invoice]) -> None:
    """Grant the credits of top-ups among invoices that were paid just now; `paid` are as before it.

    The loss of an uncollectible one is what it would have been without the recovery. Emits the grants.
    """
    lines = [line for line in prepaid_lines(tx, paid) if undelivered(line) > 0]
    if not lines:
        return
    invoices = {one.id: one for one in paid}
    wallets = rows.find_many(tx, Wallet, [invoices[line.invoice].wallet or "" for line in lines])
    recovered = [line for line in lines if invoices[line.invoice].status == "uncollectible"]
    post_unpaid(tx, recovered, "top_up.recovered", -1)
    grants.write(tx, [grant_of(tx, wallets[invoices[line.invoice].wallet or ""], line) for line in lines])
    rows.update_many(tx, [(line, {"earned": line.earned + undelivered(line)}) for line in lines])
    wallet_checks.request(tx, wallets)


def grant_of(tx: Tx, wallet: Wallet, line: InvoiceLine) -> CreditGrant:
    """Make the grant that a paid line of a wallet's top-up buys."""
    expires = tx.now + timedelta(days=wallet.expires_after) if wallet.expires_after else None
    monetary = {"currency": wallet.currency, "value": undelivered(line)}
    return CreditGrant(
        amount={"monetary": monetary, "type": "monetary"},
        applicability_config=wallet.applicability_config,
        bought_with=line.invoice,
        category=PAID,
        customer=wallet.customer,
        effective_at=tx.now,
        expires_at=expires,
        name=wallet.name,
        test_clock=wallet.test_clock,
        wallet=wallet.id,
    )


def post_unpaid(tx: Tx, lines: Sequence[InvoiceLine], event: str, sign: int) -> None:
    """Post that what is undelivered of uncollectible lines is no loss, or with -1 that it is deferred again.

    The posting names the invoice, so that voiding it reverses this too.
    """
    post.post(
        tx,
        [
            post.Posting(
                event,
                f"{line.id}@{int(tx.now.timestamp())}",
                tx.now,
                entries.prepaid_not_paid(line.currency, sign * undelivered(line)),
                line.customer,
                line.invoice,
            )
            for line in lines
        ],
    )


def write_off(tx: Tx, invoice: Invoice) -> None:
    """Post that credits were never delivered of a top-up that is uncollectible, so they are no loss."""
    post_unpaid(tx, prepaid_lines(tx, [invoice]), "top_up.not_paid", 1)


def reopen(tx: Tx, invoice: Invoice) -> None:
    """Take back what is left of the credits of a top-up whose payment came back; its invoice is open."""
    back = take_back(tx, invoice, None)
    for line in prepaid_lines(tx, [invoice]):
        taken = min(back, line.earned)
        back -= taken
        rows.update_many(tx, [(line, {"earned": line.earned - taken})])


def give_away(tx: Tx, invoice: Invoice) -> None:
    """Lose what was used of a top-up that is voided after its payment had come back."""
    post.post(
        tx,
        [
            post.Posting(
                "top_up.given_away",
                line.id,
                tx.now,
                entries.prepaid_given_away(line.currency, line.earned),
                line.customer,
            )
            for line in prepaid_lines(tx, [invoice])
        ],
    )


def lose(tx: Tx, invoice: Invoice, amount: int) -> None:
    """Take unused credits of a top-up back whose payment was lost in a dispute, for the net of the amount."""
    if invoice.total > 0:
        net = proportional(invoice.total_excluding_tax or 0, min(amount, invoice.total), invoice.total)
        move(tx, taken_of(tx, invoice, net), entries.prepaid_lost)


def take_back(tx: Tx, invoice: Invoice, most: int | None) -> int:
    """Take unused credits of a top-up back, as much as is left and not more than `most`; return how much.

    Without `most` its invoice is open again, so what is taken is deferred; otherwise what is taken back had
    been refunded or credited.
    """
    taken = taken_of(tx, invoice, most)
    move(tx, taken, entries.prepaid_delivered if most is None else entries.prepaid_granted)
    return -sum(one.amount for one in taken)


def taken_of(tx: Tx, invoice: Invoice, most: int | None) -> list[CreditBalanceTransaction]:
    """Return what takes unused credits of a top-up back, which is not written yet; locks the grants."""
    if not invoice.wallet:
        return []
    held = rows.select(
        tx, CreditGrant, "bought_with = %(id)s and balance > 0", "order by id for update", id=invoice.id
    )
    taken, wanted = [], sum(one.balance for one in held) if most is None else max(most, 0)
    for grant in held:
        amount = min(wanted, grant.balance)
        wanted -= amount
        if amount:
            taken.append(CreditBalanceTransaction.of(grant, "credits_voided", -amount, tx.now))
    return taken


def move(
    tx: Tx, changes: Sequence[CreditBalanceTransaction], entry: Callable[[str, int], list[entries.Transfer]]
) -> None:
    """Write transactions that change what is left of bought grants, and post each by its entry."""
    held = rows.find_many(tx, CreditGrant, [one.credit_grant for one in changes])
    made = rows.insert_many(tx, changes)
    application.change_balances(tx, held, made)
    post.post(
        tx,
        [
            post.Posting(
                "credit_grant.taken_back",
                one.id,
                tx.now,
                entry(held[one.credit_grant].currency, one.amount),
                one.customer,
            )
            for one in made
        ],
    )


def give_again(tx: Tx, invoice: Invoice, amount: int) -> None:
    """Give credits again that a refund took back, as the refund has failed; nothing of a grant that ended."""
    living = "bought_with = %(id)s and voided_at is null and (expires_at is null or expires_at > %(now)s)"
    back = []
    for grant in rows.select(tx, CreditGrant, living, "order by id for update", id=invoice.id, now=tx.now):
        restored = min(amount, grant.granted - grant.balance)
        amount -= restored
        if restored:
            back.append(CreditBalanceTransaction.of(grant, "credits_granted", restored, tx.now))
    move(tx, back, entries.prepaid_granted)
