"""Is the daily work of a billing department done in a browser, on a desktop and on a phone?"""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from billow.app import App
from tests.browser.test_pages import problems
from tests.dashboard.conftest import PASSWORD, hired
from tests.support.world import Customer, World

Desk = Callable[..., Any]


@pytest.fixture
def anna(world: World) -> Customer:
    """A customer who pays 62.00 for two seats since New Year, on a test clock."""
    world.at("2026-01-01")
    anna = world.customer("anna")
    anna.subscribes_to({"price": world.plan("Pro", usd=31), "quantity": 2})
    return anna


def mail_of(world: World) -> str:
    """Return a mail address that browsers take, for somebody of this account only."""
    return f"{world.api.account.removeprefix('acct_').lower()}@shop.example"


def newest(world: World, path: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = world.get(path, **more)["data"][0]
    return found


def test_somebody_signs_in_and_out(app: App, world: World, visit: Desk, http_url: str) -> None:
    person = hired(app, world.api.account, "finance", mail_of(world))
    page = visit(f"{http_url}/dashboard/sign-in")
    assert problems(page) == []
    page.get_by_label("Mail address").fill(person.email)
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    page.get_by_label("Mail address").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.get_by_role("heading", name="Home").wait_for()
    page.get_by_text("The finance").first.click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()


def test_a_customer_is_made_with_a_tax_number(world: World, desk: Desk) -> None:
    page = desk("/customers")
    page.get_by_role("link", name="New customer").click()
    page.get_by_label("Name, as on its invoices").fill("Berg AB")
    page.get_by_label("Mail address").fill("wrong")
    page.get_by_role("button", name="Create the customer").click()
    page.get_by_role("alert").wait_for()
    page.get_by_label("Mail address").fill("anna@berg.example")
    page.get_by_label("Country").select_option("SE")
    page.get_by_label("Language of papers and mails").select_option("sv")
    page.get_by_role("button", name="Create the customer").click()
    page.get_by_role("link", name="Tax numbers").click()
    page.get_by_label("Number").fill("SE556000475501")
    page.get_by_role("button", name="Save").press("Enter")
    page.get_by_text("SE556000475501").wait_for()
    assert problems(page) == []
    assert newest(world, "/v1/customers")["preferred_locales"] == ["sv"]


def test_an_invoice_is_written_by_hand_and_finalized(world: World, desk: Desk, anna: Customer) -> None:
    page = desk(f"/customers/{anna.id}")
    page.get_by_role("link", name="New invoice").click()
    page.get_by_label("Line 1").fill("Migration")
    page.get_by_label("Quantity 1").fill("2.5")
    page.get_by_label("Each 1").fill("120")
    page.get_by_label("Collection").select_option("send_invoice")
    assert problems(page) == []
    page.get_by_role("button", name="Create the draft").click()
    page.get_by_role("heading", name="Draft invoice").wait_for()
    expect(page.get_by_text("US$300.00").first).to_be_visible()
    page.get_by_role("button", name="Finalize").click()
    page.get_by_role("heading", name="Invoice ").wait_for()
    assert newest(world, "/v1/invoices", status="open")["total"] == 30000


def test_a_draft_is_deleted(world: World, desk: Desk, anna: Customer) -> None:
    draft = world.post("/v1/invoices", customer=anna.id, currency="usd", auto_advance=False)["id"]
    page = desk(f"/invoices/{draft}")
    page.get_by_role("button", name="Delete the draft").click()
    page.get_by_role("heading", name="Invoices").wait_for()
    assert world.get("/v1/invoices", status="draft")["data"] == []


def test_a_subscription_is_started_after_its_cost_was_read(world: World, desk: Desk) -> None:
    ann, price = world.customer("ann"), world.plan("Team", usd=12)
    page = desk(f"/customers/{ann.id}")
    page.get_by_role("link", name="New subscription").click()
    page.get_by_label("Price 1").select_option(price)
    page.get_by_label("Quantity 1").fill("3")
    page.get_by_role("button", name="Show what it leads to").click()
    page.get_by_role("button", name="US$36.00 now").click()
    page.get_by_role("heading", name="Items").wait_for()
    assert newest(world, "/v1/subscriptions", customer=ann.id)["items"]["data"][0]["quantity"] == 3


def test_a_subscription_is_cancelled_at_its_periods_end(world: World, desk: Desk, anna: Customer) -> None:
    subscription = newest(world, "/v1/subscriptions", customer=anna.id)["id"]
    page = desk(f"/subscriptions/{subscription}")
    page.get_by_role("link", name="Cancel", exact=True).click()
    page.get_by_label("It ends", exact=True).select_option("period_end")
    page.get_by_label("Reason, for the audit log").fill("Asked by mail")
    page.get_by_role("button", name="Show what it leads to").click()
    assert problems(page) == []
    page.locator("form[method=post] button").last.click()
    page.wait_for_url(f"**/subscriptions/{subscription}")
    ended = world.get(f"/v1/subscriptions/{subscription}")
    assert (ended["status"], ended["cancel_at_period_end"]) == ("active", True)
    assert ended["cancel_at"] == ended["items"]["data"][0]["current_period_end"]


def test_a_subscription_is_paused(world: World, desk: Desk, anna: Customer) -> None:
    subscription = newest(world, "/v1/subscriptions", customer=anna.id)["id"]
    page = desk(f"/subscriptions/{subscription}")
    page.get_by_role("link", name="Pause", exact=True).click()
    page.get_by_label("While it is paused").select_option("void")
    page.get_by_role("button", name="Show what it leads to").click()
    page.locator("form[method=post] button").last.click()
    page.wait_for_url(f"**/subscriptions/{subscription}")
    paused = world.get(f"/v1/subscriptions/{subscription}")
    assert (paused["status"], paused["pause_collection"]["behavior"]) == ("active", "void")


def test_a_payment_is_refunded_in_part(world: World, desk: Desk, anna: Customer) -> None:
    page = desk("/payments")
    page.locator("main table a").first.click()
    page.get_by_role("link", name="Refund", exact=True).click()
    page.get_by_label("Amount in USD").fill("12.00")
    assert problems(page) == []
    page.get_by_role("button", name="Refund").click()
    page.get_by_role("heading", name="Payment of US$62.00").wait_for()
    assert newest(world, "/v1/refunds")["amount"] == 1200


def test_an_invoice_is_credited_with_words_on_the_paper(world: World, desk: Desk, anna: Customer) -> None:
    invoice = newest(world, "/v1/invoices")
    page = desk(f"/invoices/{invoice['id']}")
    page.get_by_role("link", name="Credit note", exact=True).click()
    page.get_by_label("Amount in USD").fill("31.00")
    page.get_by_label("Words on the paper").fill("One seat was not used.")
    page.get_by_role("button", name="Credit note").click()
    page.get_by_role("heading", name=f"Invoice {invoice['number']}").wait_for()
    note = newest(world, "/v1/credit_notes")
    assert (note["total"], note["memo"]) == (3100, "One seat was not used.")


def test_an_open_invoice_is_voided(world: World, desk: Desk) -> None:
    ben = world.post("/v1/customers", name="Ben")["id"]
    how = {"collection_method": "send_invoice", "days_until_due": 14}
    draft = world.post("/v1/invoices", customer=ben, currency="usd", **how)["id"]
    world.post("/v1/invoiceitems", customer=ben, invoice=draft, amount=900, currency="usd")
    world.post(f"/v1/invoices/{draft}/finalize")
    page = desk("/invoices?tab=open")
    page.locator("main table a").first.click()
    page.get_by_role("link", name="Void").click()
    page.get_by_role("button", name="Void").click()
    page.get_by_text("Void", exact=True).first.wait_for()
    assert world.get(f"/v1/invoices/{draft}")["status"] == "void"


def test_two_people_agree_to_a_refund_above_the_limit(
    app: App, world: World, desk: Desk, anna: Customer, http_url: str
) -> None:
    account = world.api.account
    hired(app, account, "finance", mail_of(world))
    page = desk("/approvals")
    page.get_by_label("Ask a second person above, in USD").fill("10.00")
    page.get_by_role("button", name="Set").click()
    page.goto(page.url.replace("/approvals", "/payments"))
    page.locator("main table a").first.click()
    page.get_by_role("link", name="Refund", exact=True).click()
    page.get_by_role("button", name="Refund").click()
    page.goto(f"{http_url}/dashboard/{account}/test/approvals")
    page.get_by_role("button", name="Withdraw").wait_for()
    assert page.get_by_role("button", name="Agree").count() == 0 and problems(page) == []
    assert world.get("/v1/refunds")["data"] == []
    page.context.clear_cookies()
    page.goto(f"{http_url}/dashboard/sign-in")
    page.get_by_label("Mail address").fill(mail_of(world))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.get_by_role("heading", name="Home").wait_for()
    page.goto(f"{http_url}/dashboard/{account}/test/approvals")
    page.get_by_role("button", name="Agree").click()
    expect(page.get_by_role("button", name="Agree")).to_have_count(0)
    assert problems(page) == []
    assert newest(world, "/v1/refunds")["amount"] == 6200


def test_a_coupon_is_made_and_gets_a_code(world: World, desk: Desk) -> None:
    page = desk("/coupons")
    page.get_by_role("link", name="New coupon").click()
    page.get_by_label("Name, as on invoices").fill("Autumn")
    page.get_by_label("Percent off").fill("20")
    page.get_by_label("How long").select_option("forever")
    page.get_by_role("button", name="Create the coupon").click()
    page.get_by_role("link", name="New code").click()
    page.get_by_label("Code").fill("AUTUMN")
    page.get_by_role("button", name="Create the code").click()
    page.get_by_text("AUTUMN", exact=True).wait_for()
    assert newest(world, "/v1/promotion_codes")["code"] == "AUTUMN"


def test_a_product_is_made_and_its_words_are_changed(world: World, desk: Desk) -> None:
    page = desk("/products")
    page.get_by_role("link", name="New product").click()
    page.get_by_label("Name, as customers see it").fill("Storage")
    page.get_by_role("button", name="Create the product").click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("What one unit is called, such as seat").fill("gigabyte")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Storage").wait_for()
    assert newest(world, "/v1/products")["unit_label"] == "gigabyte"


def test_a_meter_is_made(world: World, desk: Desk) -> None:
    page = desk("/meters/new")
    page.get_by_label("Name", exact=True).fill("Requests")
    page.get_by_label("Name of its events").fill("requests")
    page.get_by_role("button", name="Create the meter").click()
    page.get_by_role("heading", name="Requests").first.wait_for()
    assert newest(world, "/v1/billing/meters")["event_name"] == "requests"


def test_a_key_is_made_and_revoked(world: World, desk: Desk) -> None:
    page = desk("/keys/new")
    page.get_by_label("What it is for").fill("Shop")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Create the key").click()
    page.get_by_text("sk_test_").or_(page.get_by_text("rk_test_")).first.wait_for()
    assert problems(page) == []
    page.goto(page.url.split("/keys")[0] + "/keys")
    page.get_by_role("link", name="Shop").click()
    page.get_by_label("Your password").last.fill(PASSWORD)
    page.get_by_role("button", name="Revoke it").click()
    page.get_by_role("heading", name="API keys").wait_for()
    expect(page.get_by_role("link", name="Shop")).to_have_count(0)


def test_a_clock_is_advanced_to_the_next_invoice(world: World, desk: Desk, anna: Customer) -> None:
    page = desk(f"/test-clocks/{world.clock}")
    page.get_by_role("button", name="A month").click()
    page.get_by_role("heading", name="What happens next").wait_for()
    world.work()
    page.reload()
    assert len(world.get("/v1/invoices", customer=anna.id)["data"]) == 2
    assert problems(page) == []


def test_an_event_is_sent_to_an_endpoint_again(world: World, desk: Desk, anna: Customer) -> None:
    """One that the endpoint did not ask for, so that nothing but the button sends it."""
    url = "https://shop.example/hooks"
    endpoint = world.post("/v1/webhook_endpoints", url=url, enabled_events=["invoice.voided"])["id"]
    paid = newest(world, "/v1/events", type="invoice.paid")["id"]
    page = desk("/events?q=invoice.paid")
    page.locator("main table").get_by_role("link", name="invoice.paid").first.click()
    page.get_by_label("Endpoint").select_option(endpoint)
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("heading", name="Deliveries").wait_for()
    assert problems(page) == []
    [sent] = world.get(f"/v1/webhook_endpoints/{endpoint}/deliveries")["data"]
    assert sent["event"] == paid


def test_a_month_is_closed_and_opened_again(world: World, desk: Desk, anna: Customer) -> None:
    page = desk("/ledger/periods/2026-01")
    page.get_by_role("button", name="Close 2026-01", exact=True).click()
    page.get_by_label("Reason").fill("A bill came late")
    assert problems(page) == []
    page.get_by_role("button", name="pen 2026-01").click()
    page.get_by_role("button", name="Close 2026-01", exact=True).wait_for()


def test_an_invoice_is_found_by_its_number_and_by_its_amount(
    world: World, desk: Desk, anna: Customer
) -> None:
    number = newest(world, "/v1/invoices")["number"]
    page = desk("")
    for text in (number, "62.00"):
        box = page.get_by_label("Find a customer, an invoice, an id or an amount")
        box.fill(text)
        box.press("Enter")
        page.get_by_role("link", name=number).first.click()
        page.get_by_role("heading", name=f"Invoice {number}").wait_for()


def test_a_view_is_saved_and_opened(world: World, desk: Desk, anna: Customer) -> None:
    page = desk("/invoices?tab=paid")
    page.get_by_text("Narrow and save").click()
    page.get_by_label("Save this view as").fill("What was paid")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="What was paid").first.click()
    assert "tab=paid" in page.url and problems(page) == []


def test_a_list_is_saved_as_a_file(world: World, desk: Desk, anna: Customer) -> None:
    page = desk("/invoices")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Export CSV").click()
    assert newest(world, "/v1/invoices")["number"] in saved.value.path().read_text()


def test_a_figure_leads_to_its_documents(world: World, desk: Desk, anna: Customer) -> None:
    page = desk("/reports/mrr?from=2026-01-01&to=2026-01-31")
    page.locator("main table a").first.click()
    page.wait_for_url("**/reports/mrr_movements?**")
    expect(page.locator("main table").get_by_text("US$62.00").first).to_be_visible()
    page.locator("main table").get_by_role("link", name="anna").click()
    page.get_by_role("link", name="All invoices of this customer").wait_for()
    assert problems(page) == []


def test_an_amount_is_explained_down_to_the_event(world: World, desk: Desk) -> None:
    world.at("2026-01-01")
    anna, meter = world.customer("anna"), world.meter("calls")
    anna.subscribes_to(world.metered("Calls", meter, tiers=[(100, "10"), ("inf", "5")]))
    world.at("2026-01-10")
    anna.uses("calls", 150, "2026-01-09")
    world.at("2026-02-01 02:00")
    invoice = newest(world, "/v1/invoices", customer=anna.id)
    page = desk(f"/invoices/{invoice['id']}")
    page.get_by_role("heading", name="Why these amounts").wait_for()
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    told = page.locator("main").inner_text()
    assert "US$12.50" in told and problems(page) == []


def test_somebody_is_invited(world: World, desk: Desk) -> None:
    page = desk("/people")
    page.get_by_label("Mail address").fill(mail_of(world))
    page.get_by_label("Role", exact=True).select_option("support")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_role("status").locator("code").inner_text()
    assert problems(page) == []
    page.context.clear_cookies()
    page.goto(link)
    page.get_by_text("You were invited as support").wait_for()
    page.get_by_label("Your name").fill("New")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The password again").fill(PASSWORD)
    assert problems(page) == []
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Home").wait_for()
