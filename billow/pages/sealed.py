"""Open pages by their sealed addresses, and answer whatever is wrong with one in the same way."""

from collections.abc import Callable

import flask

from billow.core.errors import Refused
from billow.flows.outside.outside import Outside
from billow.flows.papers import links
from billow.pages import frame
from billow.store.tx import TENANT

View = Callable[[str, str, str], flask.Response]
"""Answers a request for a tenant, an id and the address of the page itself."""


def page(outside: Outside, kind: str, view: View) -> Callable[..., flask.Response]:
    """Return the view of a sealed address. A wrong seal is answered like no such address."""

    def sealed(account: str, mode: str, seal: str, **named: str) -> flask.Response:
        tenant, [id] = f"{account}/{mode}", named.values()
        whole = TENANT.fullmatch(tenant) and "\x00" not in id
        if not whole or not links.is_sealed(outside, tenant, id, seal, kind):
            return frame.gone()
        try:
            return view(tenant, id, f"/{flask.request.path.split('/')[1]}/{tenant}/{id}/{seal}")
        except Refused:
            return frame.gone(test=mode == "test")

    return sealed
