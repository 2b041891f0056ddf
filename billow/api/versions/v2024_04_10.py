"""2024-04-10: features of products are marketing features; invoices have a rendering; captures are async."""

from billow.api.versions.change import Change, Renamed, Sent, View

CHANGE = Change("2024-04-10")


@CHANGE.shows("product")
def features(view: View) -> None:
    """Show `marketing_features` of a product as `features`."""
    view["features"] = view.get("marketing_features")


@CHANGE.reads("POST /v1/products", "POST /v1/products/{id}")
def features_sent(sent: Sent) -> Renamed:
    """Take `features` of a product, which are `marketing_features` now."""
    if "features" not in sent:
        return None
    sent["marketing_features"] = sent.pop("features")
    return {"marketing_features": "features"}


@CHANGE.shows("invoice")
def rendering_options(view: View) -> None:
    """Show `rendering.amount_tax_display` of an invoice as `rendering_options`."""
    rendering = view.get("rendering")
    shown = {"amount_tax_display": rendering.get("amount_tax_display")} if rendering else None
    view["rendering_options"] = shown


@CHANGE.reads("POST /v1/payment_intents")
def captured_at_once(sent: Sent) -> Renamed:
    """Take an intent that names no `capture_method` as `automatic`, which was the default."""
    sent.setdefault("capture_method", "automatic")
    return None
