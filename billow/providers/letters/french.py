"""Say every mail in French."""

from billow.providers.letters import Language, Texts

TEXTS = {
    "invoice.due": Texts(
        "Facture {number} de {seller} : {amount}",
        "{amount} à payer au plus tard le {due}.",
        "Facture {number}",
        ("{seller} vous a envoyé une facture de {amount}.", "Merci de la régler au plus tard le {due}."),
        "Voir et payer",
    ),
    "invoice.charged": Texts(
        "Facture {number} de {seller} : {amount}",
        "Rien à faire : {amount} seront prélevés automatiquement.",
        "Facture {number}",
        (
            "{seller} vous a facturé {amount}.",
            "Vous n’avez rien à faire : le montant est prélevé sur votre moyen de paiement.",
        ),
        "Voir la facture",
    ),
    "invoice.paid": Texts(
        "Facture {number} de {seller} : {amount}",
        "Payée. Rien à faire.",
        "La facture {number} est payée",
        ("{seller} vous a facturé {amount}, et la facture est payée. Merci.", "Vous n’avez rien à faire."),
        "Voir la facture",
    ),
    "zero_invoice.paid": Texts(
        "Facture {number} de {seller} : {amount}",
        "Rien à payer.",
        "Facture {number}",
        ("{seller} vous a facturé {amount} : il n’y a rien à payer.", "Vous n’avez rien à faire."),
        "Voir la facture",
    ),
    "receipt.paid": Texts(
        "Votre reçu de {seller} : {amount}",
        "Merci. Rien à faire.",
        "Reçu",
        ("Nous avons reçu votre paiement de {amount} le {date}. Merci.", "Vous n’avez rien à faire."),
        "Voir le reçu",
    ),
    "payment_failed.first": Texts(
        "Échec du paiement à {seller} : {amount}",
        "Nous réessaierons le {next}. Vous pouvez changer de moyen de paiement dès maintenant.",
        "Votre paiement a échoué",
        (
            "Nous avons tenté de prélever {amount} pour la facture {number}. {reason}",
            "Nous réessaierons le {next}. Si vous mettez à jour votre moyen de paiement, nous le débiterons"
            " aussitôt.",
        ),
        "Changer de moyen de paiement",
    ),
    "payment_failed.again": Texts(
        "Toujours impayé : {amount} à {seller}",
        "Le paiement a de nouveau échoué. Prochaine tentative le {next}.",
        "Le paiement a de nouveau échoué",
        (
            "Nous n’avons pas réussi à prélever {amount} pour la facture {number}. {reason}",
            "La prochaine tentative aura lieu le {next}. Un nouveau moyen de paiement règle tout aussitôt.",
        ),
        "Changer de moyen de paiement",
    ),
    "payment_failed.last_try": Texts(
        "Dernière tentative le {next} : {amount} à {seller}",
        "Après le {next}, nous n’essaierons plus.",
        "Il reste une dernière tentative",
        (
            "{amount} pour la facture {number} restent impayés. {reason}",
            "Dernière tentative le {next}. Merci de mettre à jour votre moyen de paiement avant cette date.",
        ),
        "Changer de moyen de paiement",
    ),
    "payment_failed.waiting": Texts(
        "Moyen de paiement requis : {amount} à {seller}",
        "Nous ne pouvons plus débiter votre moyen de paiement.",
        "Il nous faut un autre moyen de paiement",
        (
            "Nous n’avons pas pu prélever {amount} pour la facture {number}. {reason}",
            "Nous ne réessaierons pas avec ce moyen de paiement. Merci d’en ajouter un autre : nous le"
            " débiterons"
            " aussitôt.",
        ),
        "Ajouter un moyen de paiement",
    ),
    "payment_failed.given_up": Texts(
        "Impayé : {amount} à {seller}",
        "La dernière tentative a échoué.",
        "La dernière tentative a échoué",
        (
            "{amount} pour la facture {number} n’ont pas pu être prélevés, et nous n’essaierons plus."
            " {reason}",
        ),
        "Payer maintenant",
    ),
    "payment_action_required.first": Texts(
        "Confirmez votre paiement à {seller} : {amount}",
        "Votre banque vous demande de le confirmer.",
        "Votre banque demande votre confirmation",
        (
            "Votre banque souhaite que vous confirmiez le paiement de {amount} pour la facture {number}.",
            "Rien n’est prélevé avant. Cela prend une minute.",
        ),
        "Confirmer le paiement",
    ),
    "payment_action_required.again": Texts(
        "Rappel : confirmez {amount} à {seller}",
        "Le paiement attend toujours votre confirmation.",
        "Votre confirmation manque toujours",
        (
            "Le paiement de {amount} pour la facture {number} attend toujours : votre banque a besoin de"
            " votre"
            " confirmation.",
            "Merci de le confirmer maintenant, ou de payer autrement.",
        ),
        "Confirmer le paiement",
    ),
    "payment_recovered.paid": Texts(
        "Payé, merci : {amount} à {seller}",
        "Tout est réglé. Rien à faire.",
        "Votre paiement a réussi",
        (
            "{amount} pour la facture {number} sont payés depuis le {date}. Merci.",
            "Tout est réglé ; vous n’avez rien à faire.",
        ),
        "Voir la facture",
    ),
    "card_expiring.soon": Texts(
        "Votre carte chez {seller} expire bientôt",
        "{card} expire fin {month}.",
        "Votre carte expire bientôt",
        (
            "{card}, qui règle vos achats chez {seller}, est valable jusqu’à fin {month}.",
            "Merci d’ajouter votre nouvelle carte, pour que le prochain paiement réussisse.",
        ),
        "Mettre à jour la carte",
    ),
    "invoice_overdue.first": Texts(
        "En retard : facture {number} de {seller}, {amount}",
        "Elle était à payer le {due}.",
        "La facture {number} est en retard",
        (
            "Nous n’avons pas encore reçu {amount}, à payer le {due}.",
            "Si vous avez payé ces derniers jours, ne tenez pas compte de ce message. Sinon, merci de payer"
            " maintenant.",
        ),
        "Payer maintenant",
    ),
    "invoice_overdue.again": Texts(
        "Rappel : facture {number} de {seller}, {amount}",
        "À payer depuis le {due}, et toujours impayée.",
        "La facture {number} est toujours impayée",
        (
            "La facture {number} est échue depuis le {due}, et {amount} restent à payer.",
            "Merci de la régler maintenant, ou de répondre à ce message si quelque chose ne va pas.",
        ),
        "Payer maintenant",
    ),
    "refund.sent": Texts(
        "Remboursement de {seller} : {amount}",
        "L’argent est en route.",
        "{amount} vous sont remboursés",
        (
            "Nous avons remboursé {amount} le {date}, sur le moyen de paiement que vous aviez utilisé.",
            "Vous n’avez rien à faire. Les banques mettent cinq à dix jours à l’afficher.",
        ),
        "Voir le reçu",
    ),
    "refund.transferred": Texts(
        "Remboursement de {seller} : {amount}",
        "L’argent est en route.",
        "{amount} vous sont remboursés",
        (
            "Nous avons viré {amount} sur votre compte bancaire le {date}.",
            "Vous n’avez rien à faire. Les banques mettent un ou deux jours ouvrés à l’afficher.",
        ),
    ),
    "refund.account": Texts(
        "{seller} doit vous rembourser {amount}",
        "Nous avons besoin de votre compte bancaire.",
        "Où pouvons-nous virer {amount} ?",
        (
            "Vous nous avez viré {amount} qui ne paient rien. Nous vous les rendons, mais ne connaissons pas"
            " votre compte.",
            "Veuillez répondre à ce courriel avec le nom du titulaire et l’IBAN du compte.",
        ),
    ),
    "credit_note.lowered": Texts(
        "Avoir {credit_note} de {seller} : {amount}",
        "Votre facture {number} est réduite de {amount}.",
        "Votre facture est réduite de {amount}",
        (
            "Nous avons crédité {amount} sur la facture {number}. Il reste {left} à payer.",
            "L’avoir est joint à ce message.",
        ),
        "Voir l’avoir",
    ),
    "credit_note.closed": Texts(
        "Avoir {credit_note} de {seller} : {amount}",
        "Il ne reste rien à payer de votre facture {number}.",
        "Il ne reste rien à payer",
        (
            "Nous avons crédité {amount} sur la facture {number}. Vous n’avez plus rien à payer.",
            "L’avoir est joint à ce message.",
        ),
        "Voir l’avoir",
    ),
    "credit_note.refunded": Texts(
        "Avoir {credit_note} de {seller} : {amount}",
        "Nous remboursons {amount} de votre facture {number}.",
        "{amount} vous sont remboursés",
        (
            "Nous avons crédité {amount} sur la facture {number}, et les remboursons sur le moyen de paiement"
            " que vous aviez utilisé.",
            "Vous n’avez rien à faire. Les banques mettent cinq à dix jours à l’afficher. L’avoir est joint à"
            " ce message.",
        ),
        "Voir l’avoir",
    ),
    "credit_note.balance": Texts(
        "Avoir {credit_note} de {seller} : {amount}",
        "Vous disposez d’un crédit de {amount}.",
        "Vous disposez d’un crédit de {amount}",
        (
            "Nous avons crédité {amount} sur la facture {number}. Nous les déduirons de votre prochaine"
            " facture.",
            "Vous n’avez rien à faire. L’avoir est joint à ce message.",
        ),
        "Voir l’avoir",
    ),
    "credit_note.issued": Texts(
        "Avoir {credit_note} de {seller} : {amount}",
        "Nous avons crédité {amount} sur votre facture {number}.",
        "Nous avons crédité {amount}",
        (
            "Nous avons crédité {amount} sur la facture {number}.",
            "L’avoir est joint à ce message. Il indique comment vous recevez ce montant.",
        ),
        "Voir l’avoir",
    ),
    "subscription_canceled.requested": Texts(
        "Votre abonnement chez {seller} a pris fin",
        "{plan} a pris fin le {date}.",
        "Votre abonnement a pris fin",
        ("{plan} a pris fin le {date}. Plus rien ne sera prélevé.", "Vous n’avez rien à faire."),
    ),
    "subscription_canceled.unpaid": Texts(
        "Votre abonnement chez {seller} est résilié",
        "{plan} a pris fin le {date}, faute de paiement.",
        "Votre abonnement est résilié",
        (
            "{plan} a pris fin le {date}, car nous n’avons pas pu débiter votre moyen de paiement.",
            "Plus rien ne sera prélevé. Pour continuer, merci de contacter {seller}.",
        ),
    ),
    "debit_notice.planned": Texts(
        "Prélèvement le {date} : {amount} pour {seller}",
        "Rien à faire : {amount} seront prélevés le {date}.",
        "Prélèvement le {date}",
        (
            "Le {date}, nous prélevons {amount} pour la facture {number} sur votre compte se terminant par"
            " {last4}.",
            "Il s’agit d’un prélèvement SEPA selon votre mandat {mandate} ; notre identifiant de créancier"
            " est {creditor}.",
            "Vous n’avez rien à faire, si ce n’est veiller à l’approvisionnement du compte.",
        ),
        "Voir la facture",
    ),
    "trial_ending.charged": Texts(
        "Votre essai chez {seller} se termine le {date}",
        "Ensuite, {plan} devient payant.",
        "Votre essai se termine le {date}",
        (
            "Votre essai de {plan} se termine le {date}. Ensuite, votre moyen de paiement sera débité.",
            "Si vous souhaitez continuer, vous n’avez rien à faire.",
        ),
    ),
    "trial_ending.no_method": Texts(
        "Votre essai chez {seller} se termine le {date}",
        "Ajoutez un moyen de paiement pour continuer.",
        "Votre essai se termine le {date}",
        (
            "Votre essai de {plan} se termine le {date}. Pour continuer ensuite, merci d’ajouter un moyen de"
            " paiement.",
        ),
        "Ajouter un moyen de paiement",
    ),
    "statement.monthly": Texts(
        "Votre relevé de compte de {seller}, {month}",
        "Ce qui a été facturé et payé, et ce qui reste dû.",
        "Relevé de compte, {month}",
        (
            "Vous trouverez ci-joint le relevé de votre compte chez {seller} pour {month}.",
            "Il indique ce qui a été facturé et payé, et ce qui reste dû avec son échéance.",
        ),
    ),
    "portal_login.link": Texts(
        "Votre lien vers {seller}",
        "Il fonctionne une fois, pendant 15 minutes.",
        "Ouvrez votre compte",
        (
            "Quelqu’un, sans doute vous, a demandé un lien vers votre compte chez {seller}.",
            "Il fonctionne une fois, pendant 15 minutes. Si ce n’était pas vous, ne faites rien : personne "
            "d’autre n’a ce lien.",
        ),
        "Ouvrir mon compte",
    ),
    "cost_alert.reached": Texts(
        "Vos coûts ont atteint {limit}",
        "Vous avez demandé à le savoir.",
        "Vos coûts ont atteint {limit}",
        (
            "Les coûts de votre compte chez {seller} pour la période jusqu’au {date} ont atteint {limit}. "
            "Vous avez demandé à le savoir.",
            "Ils sont de {amount} jusqu’ici. Rien n’est arrêté, et il y a un tel message par période.",
        ),
    ),
    "dispute.opened": Texts(
        "Litige de {amount} : répondre avant le {due}",
        "Un client conteste un paiement.",
        "Un paiement est contesté",
        (
            "Un client conteste le paiement {number} de {amount}. Le motif de sa banque : {reason_code}.",
            "Envoyez vos justificatifs avant le {due} ; sans eux, l’argent est perdu.",
        ),
    ),
}

LABELS = {
    "amount": "Montant",
    "number": "Facture",
    "due": "Échéance",
    "date": "Date",
    "card": "{brand} se terminant par {last4}",
    "next": "Prochaine tentative",
    "method": "Moyen de paiement",
    "plan": "Abonnement",
    "total": "Total",
    "refunded": "Remboursé",
    "credit_note": "Avoir",
    "month": "Valable jusqu’à",
    "hello": "Bonjour {name},",
    "hello_nobody": "Bonjour,",
    "why": "Vous recevez ce message en tant que client de {seller}.",
    "why_seller": "Vous recevez ce message car billow facture pour {seller}.",
    "contact": "Des questions ? Répondez à ce message ou écrivez à {email}.",
}

NOTES = {
    "loss.cancel": "Sans paiement au plus tard le {last}, {plan} sera résilié.",
    "loss.unpaid": "Sans paiement au plus tard le {last}, {plan} sera suspendu.",
    "loss.past_due": "Sans paiement au plus tard le {last}, nous vous contacterons au sujet de {plan}.",
    "lost.cancel": "{plan} est donc résilié.",
    "lost.unpaid": "{plan} est donc suspendu jusqu’au paiement de la facture.",
    "lost.past_due": "Le montant reste dû : merci de le payer maintenant.",
}

REASONS = {
    "generic": "La banque a refusé le paiement sans donner de motif.",
    "insufficient_funds": "Selon la banque, le solde du compte ne suffisait pas.",
    "expired_card": "La carte a expiré.",
    "incorrect_cvc": "Le code de sécurité de la carte n’est pas correct.",
    "incorrect_number": "Le numéro de la carte n’est pas correct.",
    "card_velocity_exceeded": "La carte a atteint son plafond.",
    "processing_error": "La banque a eu un problème technique.",
    "authentication_required": "La banque vous demande de confirmer le paiement.",
    "missing_payment_method": "Aucun moyen de paiement n’est enregistré.",
    "lost_card": "La banque n’accepte plus cette carte.",
    "stolen_card": "La banque n’accepte plus cette carte.",
    "pickup_card": "La banque n’accepte plus cette carte.",
    "revocation_of_authorization": "L’autorisation de prélèvement a été révoquée.",
    "revocation_of_all_authorizations": "L’autorisation de prélèvement a été révoquée.",
    "transaction_not_allowed": "La carte ne permet pas ce type de paiement.",
    "payment_intent_authentication_failure": "Le paiement n’a pas été confirmé.",
    "setup_intent_authentication_failure": "Le paiement n’a pas été confirmé.",
    "payment_canceled": "Le paiement n’a pas été confirmé.",
    "currency_not_supported": "La carte n’accepte pas cette devise.",
}

FRENCH = Language("fr", TEXTS, LABELS, NOTES, REASONS)
