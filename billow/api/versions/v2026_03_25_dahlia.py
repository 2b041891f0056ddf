"""2026-03-25.dahlia: the pages of checkout have other names; the speed of bank debits is not there."""

from billow.api.versions.change import Change, Renamed, Sent, View

CHANGE = Change("2026-03-25.dahlia")
NEWER = {"custom": "elements", "embedded": "embedded_page", "hosted": "hosted_page"}
OLDER = {newer: older for older, newer in NEWER.items()} | {"form": "custom"}


@CHANGE.reads("POST /v1/checkout/sessions")
def ui_mode_as_before(sent: Sent) -> Renamed:
    """Take `ui_mode` as `hosted`, `embedded` or `custom`."""
    if isinstance(sent.get("ui_mode"), str):
        sent["ui_mode"] = NEWER.get(sent["ui_mode"], sent["ui_mode"])
    return None


@CHANGE.shows("checkout.session")
def ui_mode_shown_as_before(view: View) -> None:
    """Show `ui_mode` as `hosted`, `embedded` or `custom`."""
    view["ui_mode"] = OLDER[view["ui_mode"]]
