"""Preview invoices, and check that a preview changes nothing."""

from typing import Any

from tests.support.world import Customer, World

PREVIEW = "/v1/invoices/create_preview"
Lines = list[tuple[str, int]]


def table_digests(world: World) -> dict[str, Any]:
    """Return the number of rows and a digest of every table of the merchant."""
    with world.api.app.db.transaction(world.api.tenant) as tx:
        tables = tx.all(
            "select table_name as name from information_schema.tables where table_schema = 'billow'"
        )
        return {
            table["name"]: tx.one(
                f"select count(*), md5(string_agg(t::text, '|' order by t::text)) from {table['name']} t"
            )
            for table in tables
            if table["name"] != "api_keys"  # it has the time of its last use
        }


def preview(world: World, **form: Any) -> dict[str, Any]:
    """Preview an invoice, and check that no table changed."""
    before = table_digests(world)
    shown = world.post(PREVIEW, **form)
    after = table_digests(world)
    assert after == before, [name for name in after if after[name] != before[name]]
    return shown


def refused_preview(world: World, **form: Any) -> tuple[int, Any, Any]:
    """Return status, code and param of a refused preview, and check that no table changed."""
    before = table_digests(world)
    error = world.refused(PREVIEW, **form)
    assert table_digests(world) == before
    return error["status"], error.get("code"), error.get("param")


def lines_of(invoice: dict[str, Any]) -> Lines:
    """List the description and amount of each line that is shown with an invoice."""
    return [(line["description"], line["amount"]) for line in invoice["lines"]["data"]]


def last_invoice_lines(customer: Customer) -> Lines:
    """List the description and amount of each line of a customer's last invoice."""
    id = customer.last_invoice.data["id"]
    page = customer.world.get(f"/v1/invoices/{id}/lines", limit=100)
    return [(line["description"], line["amount"]) for line in page["data"]]


def advance(world: World, seconds: int) -> None:
    """Advance the test clock to this second, and run what is due until then."""
    world.post(f"/v1/test_helpers/test_clocks/{world.clock}/advance", frozen_time=seconds)
    world.work()


def amounts(invoice: dict[str, Any]) -> dict[str, Any]:
    """Return the amounts in which a preview and the later invoice must agree."""
    names = ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax", "currency")
    taxes = [(tax["amount"], tax["taxable_amount"]) for tax in invoice["total_taxes"]]
    off = [one["amount"] for one in invoice["total_discount_amounts"]]
    return {**{name: invoice[name] for name in names}, "taxes": taxes, "discounts": off}
