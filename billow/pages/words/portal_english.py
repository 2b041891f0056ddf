"""Say what is on the pages of the billing portal in English."""

PORTAL_ENGLISH = {
    "login_text": "Enter your mail address, and we send you a link that opens your account.",
    "login_land": "This link works once.",
    "login_again_text": "This address was open for an hour. We can send you another link to your mail "
    "address.",
    "login_send": "Mail me a link",
    "login_which": "Which account?",
    "login_enter": "Open my account",
    "login_sent": "Look into your mail",
    "login_sent_text": "If we know this address, a link is on its way. It works once, within 15 minutes.",
    "login_wait": "Please wait",
    "login_wait_text": "Too many links were asked for from here. Try again in five minutes.",
    "login_over": "This link is over",
    "login_over_text": "It was used, or is older than 15 minutes. Ask for another one.",
}
