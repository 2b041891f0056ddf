"""Does the page of an invoice choose a saved card, and say what the bank wants?"""

from typing import Any

from tests.flows.payments.test_dunning import failed_renewal
from tests.support.page_visits import Visitor
from tests.support.world import World


def test_a_payment_to_confirm_leads_to_the_bank_with_one_press(world: World, app: Any) -> None:
    anna, _ = failed_renewal(world, "always 3DS")
    world.at("2025-02-01 01:00")
    usual = anna.now["invoice_settings"]["default_payment_method"]
    world.post("/v1/payment_methods/pm_card_mastercard/attach", customer=anna.id)
    visitor = Visitor(app).opens(anna.last_invoice.now["hosted_invoice_url"])
    assert "Your bank wants you to confirm this payment." in visitor.words()
    assert "Due since 1 Feb 2025" in visitor.words() and "(optional)" not in visitor.words()
    assert f'value="{usual}" checked' in visitor.text and 'value="new" checked' not in visitor.text
    visitor.sends(method=usual)
    assert "Your bank asks you to confirm" in visitor.words()
    visitor.sends(answer="yes")
    assert anna.last_invoice.status == "paid"


def test_the_same_card_is_shown_once(world: World, app: Any) -> None:
    ann = world.customer("ann")
    for _ in range(2):
        world.post("/v1/payment_methods/pm_card_visa/attach", customer=ann.id)
    ann.owes(500)
    made = ann.bills(collection_method="send_invoice", days_until_due=3)
    url = made.now["hosted_invoice_url"] or made.does("finalize")["hosted_invoice_url"]
    assert Visitor(app).opens(url).words().count("Visa ending in 4242") == 1
