"""2023-08-16: charges and products lost fields; intents offer the methods of the account by themselves."""

from billow.api.versions.change import Change, Renamed, Sent, View

CHANGE = Change("2023-08-16")


@CHANGE.shows("charge")
def older_names_of_charges(view: View) -> None:
    """Show `destination` and `dispute` of a charge, which are null here, and its other descriptors."""
    view.setdefault("destination", None)
    view.setdefault("dispute", None)
    view.setdefault("alternate_statement_descriptors", None)


@CHANGE.shows("product")
def goods(view: View) -> None:
    """Show the fields of a product that only goods had."""
    view.setdefault("attributes", [])
    view.setdefault("caption", None)
    view.setdefault("deactivate_on", [])


@CHANGE.reads("POST /v1/payment_intents", "POST /v1/setup_intents")
def cards_only(sent: Sent) -> Renamed:
    """Take an intent that names no payment methods as one of cards only."""
    if not {"payment_method_types", "automatic_payment_methods"} & sent.keys():
        sent["payment_method_types"] = ["card"]
    return None
