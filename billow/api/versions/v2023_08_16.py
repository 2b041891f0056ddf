"""2023-08-16: charges and products lost fields; intents take more than cards, which billow does not yet."""

from billow.api.versions.change import Change, View

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
