"""What do previews show, and is the world as it was after they were asked?"""

from typing import Any

from tests.support.world import Customer, World

PREVIEW = "/v1/invoices/create_preview"
Lines = list[tuple[str, int]]


def kept(world: World) -> dict[str, Any]:
    """What is in every table of the merchant: how many rows, and a digest of all that they hold."""
    with world.api.app.db.transaction(world.api.tenant) as tx:
        tables = tx.all(
            "select table_name as name from information_schema.tables where table_schema = 'billow'"
        )
        return {
            table["name"]: tx.one(
                f"select count(*), md5(string_agg(t::text, '|' order by t::text)) from {table['name']} t"
            )
            for table in tables
            if table["name"] != "api_keys"  # which says when it was last used
        }


def preview(world: World, **form: Any) -> dict[str, Any]:
    """What is shown; nothing in any table may be other than before."""
    before = kept(world)
    shown = world.post(PREVIEW, **form)
    after = kept(world)
    assert after == before, [name for name in after if after[name] != before[name]]
    return shown


def refused(world: World, **form: Any) -> tuple[int, Any, Any]:
    before = kept(world)
    error = world.refused(PREVIEW, **form)
    assert kept(world) == before
    return error["status"], error.get("code"), error.get("param")


def seen(invoice: dict[str, Any]) -> Lines:
    return [(line["description"], line["amount"]) for line in invoice["lines"]["data"]]


def billed(customer: Customer) -> Lines:
    id = customer.last_invoice.data["id"]
    page = customer.world.get(f"/v1/invoices/{id}/lines", limit=100)
    return [(line["description"], line["amount"]) for line in page["data"]]


def advance(world: World, seconds: int) -> None:
    """The clock at this second, with all that is due until then."""
    world.post(f"/v1/test_helpers/test_clocks/{world.clock}/advance", frozen_time=seconds)
    world.work()


def amounts(invoice: dict[str, Any]) -> dict[str, Any]:
    """What a preview must have in common with the invoice that it foresaw."""
    names = ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax", "currency")
    taxes = [(tax["amount"], tax["taxable_amount"]) for tax in invoice["total_taxes"]]
    off = [one["amount"] for one in invoice["total_discount_amounts"]]
    return {**{name: invoice[name] for name in names}, "taxes": taxes, "discounts": off}
