"""Say what is on the pages of the billing portal in French."""

PORTAL_FRENCH = {
    "login_text": "Saisissez votre adresse e-mail, et nous vous envoyons un lien qui ouvre votre compte.",
    "login_land": "Ce lien fonctionne une fois.",
    "login_again_text": "Cette adresse était ouverte pendant une heure. Nous pouvons envoyer un autre lien "
    "à votre adresse e-mail.",
    "login_send": "Envoyer un lien",
    "login_which": "Quel compte ?",
    "login_enter": "Ouvrir mon compte",
    "login_sent": "Consultez vos e-mails",
    "login_sent_text": "Si nous connaissons cette adresse, un lien est en route. Il fonctionne une fois, "
    "pendant 15 minutes.",
    "login_wait": "Veuillez patienter",
    "login_wait_text": "Trop de liens ont été demandés d’ici. Réessayez dans cinq minutes.",
    "login_over": "Ce lien n’est plus valable",
    "login_over_text": "Il a été utilisé, ou date de plus de 15 minutes. Demandez-en un autre.",
}
