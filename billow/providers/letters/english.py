"""Say every mail in English."""

from billow.providers.letters import Language, Texts

TEXTS = {
    "invoice.due": Texts(
        "Invoice {number} from {seller}: {amount}",
        "{amount} is due on {due}.",
        "Invoice {number}",
        ("{seller} has sent you an invoice of {amount}.", "Please pay it by {due}."),
        "View and pay",
    ),
    "invoice.charged": Texts(
        "Invoice {number} from {seller}: {amount}",
        "Nothing to do: {amount} will be charged automatically.",
        "Invoice {number}",
        (
            "{seller} has billed you {amount}.",
            "You don’t need to do anything: it is charged to your payment method.",
        ),
        "View invoice",
    ),
    "invoice.paid": Texts(
        "Invoice {number} from {seller}: {amount}",
        "Paid. Nothing to do.",
        "Invoice {number} is paid",
        ("{seller} has billed you {amount}, and it is paid. Thank you.", "You don’t need to do anything."),
        "View invoice",
    ),
    "zero_invoice.paid": Texts(
        "Invoice {number} from {seller}: {amount}",
        "Nothing to pay.",
        "Invoice {number}",
        ("{seller} has billed you {amount}: there is nothing to pay.", "You don’t need to do anything."),
        "View invoice",
    ),
    "receipt.paid": Texts(
        "Your receipt from {seller}: {amount}",
        "Thank you. Nothing to do.",
        "Receipt",
        ("We have received your payment of {amount} on {date}. Thank you.", "You don’t need to do anything."),
        "View receipt",
    ),
    "payment_failed.first": Texts(
        "Your payment to {seller} failed: {amount}",
        "We try again on {next}. You can update your payment method now.",
        "Your payment did not go through",
        (
            "We tried to charge {amount} for invoice {number}. {reason}",
            "We try again on {next}. To be safe, update your payment method: we then charge it at once.",
        ),
        "Update payment method",
    ),
    "payment_failed.again": Texts(
        "Still unpaid: {amount} to {seller}",
        "The payment failed again. We try once more on {next}.",
        "The payment failed again",
        (
            "We tried again to charge {amount} for invoice {number}, without success. {reason}",
            "The next attempt is on {next}. A new payment method settles it at once.",
        ),
        "Update payment method",
    ),
    "payment_failed.last_try": Texts(
        "Last attempt on {next}: {amount} to {seller}",
        "After {next} we stop trying.",
        "One last attempt is left",
        (
            "{amount} for invoice {number} is still unpaid. {reason}",
            "We try for the last time on {next}. Please update your payment method before then.",
        ),
        "Update payment method",
    ),
    "payment_failed.waiting": Texts(
        "Your payment method is needed: {amount} to {seller}",
        "We cannot charge your payment method any more.",
        "We need another payment method",
        (
            "We could not charge {amount} for invoice {number}. {reason}",
            "We don’t try this payment method again. Please add another one: we then charge it at once.",
        ),
        "Add payment method",
    ),
    "payment_failed.given_up": Texts(
        "Not paid: {amount} to {seller}",
        "The last attempt failed.",
        "The last attempt failed",
        ("{amount} for invoice {number} could not be charged, and we have stopped trying. {reason}",),
        "Pay now",
    ),
    "payment_action_required.first": Texts(
        "Please confirm your payment to {seller}: {amount}",
        "Your bank asks you to confirm it.",
        "Your bank asks for your confirmation",
        (
            "Your bank wants you to confirm the payment of {amount} for invoice {number}.",
            "Nothing is charged before you do. It takes a minute.",
        ),
        "Confirm payment",
    ),
    "payment_action_required.again": Texts(
        "Reminder: confirm your payment to {seller}: {amount}",
        "The payment still waits for your confirmation.",
        "Your confirmation is still missing",
        (
            "The payment of {amount} for invoice {number} still waits: your bank needs your confirmation.",
            "Please confirm it now, or pay with another method.",
        ),
        "Confirm payment",
    ),
    "payment_recovered.paid": Texts(
        "Paid, thank you: {amount} to {seller}",
        "Everything is settled. Nothing to do.",
        "Your payment went through",
        (
            "{amount} for invoice {number} is paid since {date}. Thank you.",
            "Everything is settled; you don’t need to do anything.",
        ),
        "View invoice",
    ),
    "card_expiring.soon": Texts(
        "Your card at {seller} expires soon",
        "{card} expires at the end of {month}.",
        "Your card expires soon",
        (
            "{card}, which pays for your purchases at {seller}, is valid until the end of {month}.",
            "Please add your new card, so that your next payment goes through.",
        ),
        "Update card",
    ),
    "invoice_overdue.first": Texts(
        "Overdue: invoice {number} from {seller}, {amount}",
        "It was due on {due}.",
        "Invoice {number} is overdue",
        (
            "We have not yet received {amount}, which was due on {due}.",
            "If you have paid in the last days, please ignore this mail. Otherwise, please pay now.",
        ),
        "Pay now",
    ),
    "invoice_overdue.again": Texts(
        "Reminder: invoice {number} from {seller}, {amount}",
        "Due since {due}, and still unpaid.",
        "Invoice {number} is still unpaid",
        (
            "Invoice {number} has been due since {due}, and {amount} is still open.",
            "Please pay it now, or reply to this mail if something is wrong with it.",
        ),
        "Pay now",
    ),
    "refund.sent": Texts(
        "Refund from {seller}: {amount}",
        "The money is on its way to you.",
        "You get {amount} back",
        (
            "We refunded {amount} on {date}, to the payment method that you paid with.",
            "You don’t need to do anything. Banks take five to ten days to show it.",
        ),
        "View receipt",
    ),
    "refund.transferred": Texts(
        "Refund from {seller}: {amount}",
        "The money is on its way to you.",
        "You get {amount} back",
        (
            "We sent {amount} back to your bank account on {date}.",
            "You don’t need to do anything. Banks take one or two working days to show it.",
        ),
    ),
    "refund.account": Texts(
        "{seller} has {amount} to send back to you",
        "We need to know the bank account.",
        "Where may we send {amount}?",
        (
            "You transferred {amount} to us that pays for nothing. We send it back, but don’t know where to.",
            "Please reply to this mail with the name of the account’s holder and its number (IBAN).",
        ),
    ),
    "credit_note.lowered": Texts(
        "Credit note {credit_note} from {seller}: {amount}",
        "Your invoice {number} is lower by {amount}.",
        "Your invoice is lower by {amount}",
        (
            "We credited {amount} of invoice {number}. {left} remains to be paid.",
            "The credit note is attached.",
        ),
        "View credit note",
    ),
    "credit_note.closed": Texts(
        "Credit note {credit_note} from {seller}: {amount}",
        "Nothing remains to be paid of your invoice {number}.",
        "Nothing remains to be paid",
        (
            "We credited {amount} of invoice {number}. You don’t need to pay anything any more.",
            "The credit note is attached.",
        ),
        "View credit note",
    ),
    "credit_note.refunded": Texts(
        "Credit note {credit_note} from {seller}: {amount}",
        "We refund {amount} of your invoice {number}.",
        "You get {amount} back",
        (
            "We credited {amount} of invoice {number}, and refund it to the payment method that you used.",
            "You don’t need to do anything. Banks take five to ten days to show it. The credit note is"
            " attached.",
        ),
        "View credit note",
    ),
    "credit_note.balance": Texts(
        "Credit note {credit_note} from {seller}: {amount}",
        "You have a credit of {amount}.",
        "You have a credit of {amount}",
        (
            "We credited {amount} of invoice {number}. We take it off your next invoice.",
            "You don’t need to do anything. The credit note is attached.",
        ),
        "View credit note",
    ),
    "credit_note.issued": Texts(
        "Credit note {credit_note} from {seller}: {amount}",
        "We credited {amount} of your invoice {number}.",
        "We credited {amount}",
        (
            "We credited {amount} of invoice {number}.",
            "The credit note is attached. It says how you get the amount.",
        ),
        "View credit note",
    ),
    "subscription_canceled.requested": Texts(
        "Your subscription at {seller} has ended",
        "{plan} ended on {date}.",
        "Your subscription has ended",
        ("{plan} ended on {date}. It is not charged any more.", "You don’t need to do anything."),
    ),
    "subscription_canceled.unpaid": Texts(
        "Your subscription at {seller} was canceled",
        "{plan} ended on {date}, since it was not paid.",
        "Your subscription was canceled",
        (
            "{plan} ended on {date}, because we could not charge your payment method.",
            "It is not charged any more. To go on, please contact {seller}.",
        ),
    ),
    "debit_notice.planned": Texts(
        "Direct debit on {date}: {amount} to {seller}",
        "Nothing to do: {amount} is debited on {date}.",
        "Direct debit on {date}",
        (
            "On {date} we debit {amount} for invoice {number} from your account ending in {last4}.",
            "It is a SEPA direct debit under your mandate {mandate}; our creditor identifier is {creditor}.",
            "You don’t need to do anything but keep enough money on the account.",
        ),
        "View invoice",
    ),
    "trial_ending.charged": Texts(
        "Your trial at {seller} ends on {date}",
        "After that, {plan} is charged.",
        "Your trial ends on {date}",
        (
            "Your trial of {plan} ends on {date}. After that, your payment method is charged.",
            "If you want to go on, you don’t need to do anything.",
        ),
    ),
    "trial_ending.no_method": Texts(
        "Your trial at {seller} ends on {date}",
        "Add a payment method to go on.",
        "Your trial ends on {date}",
        ("Your trial of {plan} ends on {date}. To go on after that, please add a payment method.",),
        "Add payment method",
    ),
    "statement.monthly": Texts(
        "Your statement of account from {seller}, {month}",
        "What was billed and paid, and what is open.",
        "Statement of account, {month}",
        (
            "Attached is the statement of your account with {seller} for {month}.",
            "It lists what was billed and paid, and what is open with its due date.",
        ),
    ),
    "portal_login.link": Texts(
        "Your link to {seller}",
        "It works once, for 15 minutes.",
        "Open your account",
        (
            "Somebody, probably you, asked for a link to your account with {seller}.",
            "It works once, within 15 minutes. If it was not you, do nothing: nobody else has this link.",
        ),
        "Open my account",
    ),
    "cost_alert.reached": Texts(
        "Your costs have reached {limit}",
        "You asked to be told.",
        "Your costs have reached {limit}",
        (
            "What your account with {seller} costs in the period until {date} has reached {limit}. "
            "You asked to be told.",
            "So far it is {amount}. Nothing is stopped, and there is one such mail in a period.",
        ),
    ),
    "dispute.opened": Texts(
        "Dispute of {amount}: respond by {due}",
        "A customer disputes a payment.",
        "A payment is disputed",
        (
            "A customer disputes the payment {number} of {amount}. Their bank’s reason: {reason_code}.",
            "Send your evidence by {due}; without it the money is lost.",
        ),
    ),
}

LABELS = {
    "amount": "Amount",
    "number": "Invoice",
    "due": "Due date",
    "date": "Date",
    "card": "{brand} ending in {last4}",
    "next": "Next attempt",
    "method": "Payment method",
    "plan": "Subscription",
    "total": "Total",
    "refunded": "Refunded",
    "credit_note": "Credit note",
    "month": "Valid until",
    "hello": "Hello {name},",
    "hello_nobody": "Hello,",
    "why": "You receive this mail because you are a customer of {seller}.",
    "why_seller": "You receive this mail because billow bills for {seller}.",
    "contact": "Questions? Reply to this mail or write to {email}.",
}

NOTES = {
    "loss.cancel": "If the invoice is not paid by {last}, {plan} will be canceled.",
    "loss.unpaid": "If the invoice is not paid by {last}, {plan} will be suspended.",
    "loss.past_due": "If the invoice is not paid by {last}, we will contact you about {plan}.",
    "lost.cancel": "{plan} was therefore canceled.",
    "lost.unpaid": "{plan} is therefore suspended until the invoice is paid.",
    "lost.past_due": "The amount stays open: please pay it now.",
}

REASONS = {
    "generic": "The bank declined the payment without giving a reason.",
    "insufficient_funds": "The bank reports that there was not enough money in the account.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The security code of the card is not right.",
    "incorrect_number": "The number of the card is not right.",
    "card_velocity_exceeded": "The card has reached its limit.",
    "processing_error": "The bank had a technical problem.",
    "authentication_required": "The bank asks you to confirm the payment.",
    "missing_payment_method": "There is no payment method on file.",
    "lost_card": "The bank does not accept this card any more.",
    "stolen_card": "The bank does not accept this card any more.",
    "pickup_card": "The bank does not accept this card any more.",
    "revocation_of_authorization": "The permission to charge this payment method was revoked.",
    "revocation_of_all_authorizations": "The permission to charge this payment method was revoked.",
    "transaction_not_allowed": "The card does not allow payments of this kind.",
    "payment_intent_authentication_failure": "The payment was not confirmed.",
    "setup_intent_authentication_failure": "The payment was not confirmed.",
    "payment_canceled": "The payment was not confirmed.",
    "currency_not_supported": "The currency is not supported by this card.",
}

ENGLISH = Language("en", TEXTS, LABELS, NOTES, REASONS)
