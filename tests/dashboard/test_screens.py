"""Do the screens show what is stored, escape what people typed, and do what their buttons say?"""

import csv
import io
from collections.abc import Callable

from billow.app import App
from billow.pages.dashboard import charts, layout, reports_page
from billow.pages.dashboard.visit import SCREENS
from tests.dashboard.conftest import Person
from tests.support.world import World


def test_the_home_screen_says_what_needs_somebody(shop: World, owner: Person) -> None:
    said = owner.reads("")
    assert "Subscriptions past due 1" in said
    assert "USD" in said and "Receivables" in said


def test_lists_show_names_and_search_finds_them(shop: World, owner: Person) -> None:
    assert "Bert" in owner.reads("/customers")
    found = owner.reads("/customers", q="bert")
    assert "Bert" in found and "Carl" not in found
    assert "US$123.45" in owner.reads("/invoices", q="Bert")
    assert "Nothing matches" in owner.reads("/invoices", q="no such thing")
    assert "Anna <script>" in owner.reads("/subscriptions", tab="active")
    assert "Carl" in owner.reads("/subscriptions", tab="past_due")
    assert "Carl" in owner.reads("/payments", tab="failed")


def test_every_screen_of_the_navigation_is_in_one_group() -> None:
    grouped = [path for paths in layout.GROUPS.values() for path in paths]
    assert sorted(grouped) == sorted(path for _, path, _ in layout.NAVIGATION)


def test_the_navigation_shows_what_a_role_may_see(owner: Person, hire: Callable[..., Person]) -> None:
    navigation = owner.opens("").text.partition("<nav")[2].partition("</nav>")[0]
    assert all(title in navigation for title in layout.GROUPS)
    support = hire("support").opens("").text.partition("<nav")[2].partition("</nav>")[0]
    assert "/events" in support and "/keys" not in support and "Settings" not in support


def test_a_character_that_no_text_can_have_is_no_failure(shop: World, owner: Person) -> None:
    meter, customer = shop.meter("bytes"), shop.customer("nora").id
    sold = shop.post("/v1/products", name="Traffic")["id"]
    for path, name in (
        (f"/meters/{meter}", "customer"),
        (f"/customers/{customer}/subscribe", "price-1"),
        (f"/products/{sold}/prices/new", "nickname"),
    ):
        form = {"show": "1", name: "a\x00b", "currency": "usd", "amount": "1"}
        assert owner.opens(path, **form).status_code in (200, 422), path
        assert owner.sends(path, **form).status_code == 400, path


def test_what_people_typed_is_never_markup(shop: World, owner: Person) -> None:
    anna = {"id": shop.get("/v1/invoices", limit=100)["data"][-1]["customer"]}
    for path in SCREENS:
        if path.endswith(".csv"):
            continue  # a file that no browser shows
        page = owner.opens(path.replace("<id>", anna["id"]).replace("<name>", "revenue")).text
        assert "<script>alert" not in page and "Pro <b>" not in page, path


def test_the_page_of_an_invoice_explains_each_amount(shop: World, owner: Person) -> None:
    invoice = next(one for one in shop.get("/v1/invoices")["data"] if one["total"] == 12345)
    said = owner.reads(f"/invoices/{invoice['id']}")
    for wanted in (
        invoice["number"],
        "Advice",
        "Total US$123.45",
        "Open US$123.45",
        "invoice.finalized",
        "Mail it",
    ):
        assert wanted in said, wanted


def test_an_invoice_is_mailed_and_charged_by_its_buttons(shop: World, owner: Person) -> None:
    sent = next(one for one in shop.get("/v1/invoices")["data"] if one["total"] == 12345)
    assert owner.sends(f"/invoices/{sent['id']}", act="send").status_code == 303
    assert "invoice.sent" in owner.reads(f"/invoices/{sent['id']}")
    failed = next(one for one in shop.get("/v1/invoices", status="open")["data"] if one["attempt_count"])
    declined = owner.sends(f"/invoices/{failed['id']}", act="charge")
    assert declined.status_code == 422 and "declined" in declined.text
    card = shop.post("/v1/payment_methods/pm_card_visa/attach", customer=failed["customer"])["id"]
    shop.post(f"/v1/customers/{failed['customer']}", invoice_settings={"default_payment_method": card})
    shop.work()  # the new card is charged at once, by itself
    assert shop.get(f"/v1/invoices/{failed['id']}")["status"] == "paid"
    assert "invoices.send" in owner.reads("/audit")
    again = owner.sends(f"/invoices/{failed['id']}", act="charge")
    assert again.status_code == 422 and "can no longer be done" in again.text


def test_support_mails_but_does_not_charge(shop: World, hire: Callable[..., Person]) -> None:
    support = hire("support")
    failed = next(one for one in shop.get("/v1/invoices", status="open")["data"] if one["attempt_count"])
    said = support.reads(f"/invoices/{failed['id']}")
    assert "Mail it" in said and "Charge US$" not in said
    refused = support.sends(f"/invoices/{failed['id']}", act="charge")
    assert refused.status_code == 422 and shop.get(f"/v1/invoices/{failed['id']}")["status"] == "open"


def test_an_export_has_every_row_and_no_formula(shop: World, owner: Person) -> None:
    for number in range(120):
        shop.post("/v1/customers", name=f"=1+{number}")
    answer = owner.opens("/customers.csv")
    lines = list(csv.reader(io.StringIO(answer.text)))
    assert len(lines) == 124 and lines[0][:3] == ["id", "created", "Customer"]
    assert all(not cell.startswith("=") for line in lines for cell in line)
    invoices = list(csv.DictReader(io.StringIO(owner.opens("/invoices.csv").text)))
    assert "123.45" in [line["Total"] for line in invoices] and {line["currency"] for line in invoices} == {
        "usd"
    }


def test_pages_of_a_list_go_there_and_back(shop: World, owner: Person) -> None:
    for number in range(60):
        shop.post("/v1/customers", name=f"Customer {number:02}")
    first = owner.opens("/customers").text
    assert "Older" in first and "Newer" not in first
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = owner.opens(older).text
    assert "Newer" in second and "Customer 59" in first and "Customer 59" not in second
    newer = second.split('rel="prev"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert "Customer 59" in owner.opens(newer).text


def test_an_id_leads_to_its_screen(shop: World, owner: Person) -> None:
    customer = shop.get("/v1/invoices")["data"][0]["customer"]
    assert owner.opens("/search", q=customer).headers["Location"].endswith(f"/customers/{customer}")
    assert "Bert" in owner.reads("/search", q="123.45")
    assert "Nothing was found" in owner.reads("/search", q="12345")  # 12,345.00
    yens = shop.customer("yuki")
    yens.owes(12345, currency="jpy", text="Advice in yen")
    yens.bills(currency="jpy")
    assert "yuki" in owner.reads("/search", q="12,345")


def test_reports_are_shown_with_amounts_and_as_a_file(shop: World, owner: Person) -> None:
    said = owner.reads("/reports/aging", at="2030-01-01")
    assert "US$123.45" in said
    assert all(title in owner.reads("/reports") for title in reports_page.TITLES.values())
    assert owner.opens("/reports/nothing").status_code == 400
    assert owner.opens("/reports/revenue", **{"from": "yesterday"}).status_code == 400
    assert owner.opens("/reports/vat.csv").text.startswith("country,jurisdiction")


def test_the_headers_let_no_script_run_and_nothing_be_kept(app: App, shop: World, owner: Person) -> None:
    for path in SCREENS:
        answer = owner.opens(path.replace("<id>", "none").replace("<name>", "revenue"))
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'"), path
        assert answer.headers["Cache-Control"] == "no-store", path


def test_a_chart_says_what_it_shows_and_reaches_below_zero() -> None:
    drawn = charts.columns(["2026-01", "2026-02"], [120.0, -30.0], "Revenue & credits")
    assert 'aria-label="Revenue &amp; credits"' in drawn and drawn.count("<rect") == 2
    assert charts.columns(["2026-01"], [0.0], "Nothing").count("<rect") == 1


def test_recurring_revenue_leads_from_the_home_screen_to_its_customers(shop: World, owner: Person) -> None:
    page = owner.opens("").text
    assert "/reports/mrr" in page and "/reports/net_revenue" in page
    months = {"from": "2026-01-01", "to": "2026-12-31"}
    said = owner.reads("/reports/mrr", **months)
    # Anna's and Carl's subscriptions, of 20 dollars each; the failed payment of the second one counts.
    assert "Monthly recurring revenue" in said and "US$40.00" in said and "Total USD" in said
    assert "kind=new" in owner.opens("/reports/mrr", **months).text
    moved = owner.reads("/reports/mrr_movements", kind="new", **months)
    assert "Carl" in moved and "Anna <script>" in moved
    assert "Carl" not in owner.reads("/reports/mrr_movements", kind="churn", **months)
    assert "Carl" in owner.reads("/reports/mrr_customers", at="2026-12-31")
    assert "100.0 %" in owner.reads("/reports/cohorts", **months)


def test_cost_and_usage_of_a_customer_are_a_file(shop: World, owner: Person) -> None:
    invoice = next(one for one in shop.get("/v1/invoices")["data"] if one["total"] == 12345)
    path = f"/customers/{invoice['customer']}/focus.csv"
    assert path in owner.opens(f"/customers/{invoice['customer']}").text
    file = owner.opens(path, **{"from": "2026-01-01", "to": "2026-12-31"})
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [(row["InvoiceId"], row["BilledCost"]) for row in rows] == [(invoice["number"], "123.45")]
    assert owner.opens("/customers/cus_none/focus.csv").status_code in (400, 404)


def test_every_report_is_shown_with_its_definition(shop: World, owner: Person) -> None:
    for name in reports_page.TITLES:
        answer = owner.opens(f"/reports/{name}", **{"from": "2026-01-01", "to": "2026-12-31"})
        assert answer.status_code == 200, name
        assert "<script" not in answer.text


def test_signed_columns_stack_away_from_zero() -> None:
    drawn = charts.stacked(["2026-01"], [("new", [10.0]), ("more", [5.0]), ("less", [-5.0])], "t")
    tall = [float(part.split('"')[0]) for part in drawn.split('height="')[1:]]
    assert tall[0] == 2 * tall[1] == 2 * tall[2]


def test_a_subscription_shows_its_prices_in_its_own_currency(world: World, owner: Person) -> None:
    world.at("2026-01-01")
    product = world.post("/v1/products", name="Calls")["id"]
    price = world.post(
        "/v1/prices",
        product=product,
        currency="eur",
        unit_amount=40,
        currency_options={"gbp": {"unit_amount": 35}},
        transform_quantity={"divide_by": 10000, "round": "up"},
        recurring={"interval": "month"},
    )["id"]
    made = world.customer("emma").subscribes_to(price, currency="gbp")
    assert "£0.35 per 10,000 a month" in owner.reads(f"/subscriptions/{made.id}")
    assert "€0.40 per 10,000 a month" in owner.reads(f"/products/{product}")


def test_the_head_names_the_seller(world: World, owner: Person) -> None:
    world.post("/v1/account", business_profile={"name": "Nimbus GmbH"})
    assert owner.reads("").split("Nimbus GmbH")[0].endswith("Go to live mode ")
    assert "test_helpers" not in owner.reads("")
