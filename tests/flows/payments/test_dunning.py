"""When is an unpaid renewal retried, what ends the retries, and what settles it (§8.6, §10.3 F7)?"""

from tests.support.world import OPENED, PAID, REFUSED, RENEWED, Customer, Subscription, World

RETRIES = [2, 4, 6, 8, 10, 12, 14, 15]
"""The days of February: 1, 3, 5, 7, 9, 11, 13 and 14 after the first failure."""
ASKED = [*REFUSED[:-1], "invoice.payment_action_required", REFUSED[-1]]
"""What a bank that wants the customer, who is not there, leads to (§8.5)."""
PAST_DUE = ["customer.subscription.updated", "customer.updated"]


def failed_renewal(world: World, card: str | None = "declining") -> tuple[Customer, Subscription]:
    """A customer whose card paid in January, and another is there in February."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20))
    if card:
        anna.pays_with(card)
    else:
        method = anna.now["invoice_settings"]["default_payment_method"]
        world.post(f"/v1/payment_methods/{method}/detach")
    world.at("2025-02-01")
    return anna, plan


def test_a_declined_renewal_is_past_due_and_tried_again_on_the_days_of_the_policy(world: World) -> None:
    anna, plan = failed_renewal(world)
    world.at("2025-02-01 01:00", expect=[*OPENED, *REFUSED, *PAST_DUE])
    assert plan.status == "past_due"
    assert anna.now["delinquent"]
    for tries, day in enumerate(RETRIES, start=1):
        assert anna.last_invoice.data["attempt_count"] == tries
        world.at(f"2025-02-{day:02} 00:59:59", expect=[])
        last = ["invoice.updated", "customer.subscription.deleted"] if day == RETRIES[-1] else []
        world.at(f"2025-02-{day:02} 01:00", expect=[*REFUSED, *last])
    assert plan.status == "canceled"
    assert plan.now["cancellation_details"]["reason"] == "payment_failed"
    invoice = anna.last_invoice.data
    assert (invoice["status"], invoice["attempt_count"], invoice["next_payment_attempt"]) == ("open", 9, None)
    world.at("2025-04-10", expect=[])
    assert len(anna.invoices) == 2


def test_a_new_card_is_found_by_the_next_retry(world: World) -> None:
    anna, plan = failed_renewal(world)
    world.at("2025-02-03")
    anna.pays_with("visa")
    world.forget()
    world.at("2025-02-04 01:00", expect=[*PAID, *PAST_DUE])
    assert plan.status == "active"
    assert not anna.now["delinquent"]
    world.at("2025-03-01 01:00", expect=[*RENEWED, *OPENED, *PAID])


def test_paying_by_hand_ends_the_retries_and_a_failure_by_hand_does_not_move_them(world: World) -> None:
    anna, plan = failed_renewal(world)
    world.at("2025-02-01 12:00")
    before = anna.last_invoice.data
    error = world.refused(f"/v1/invoices/{before['id']}/pay")
    assert (error["status"], error["code"], error["type"]) == (402, "card_declined", "card_error")
    after = anna.last_invoice.data
    assert after["attempt_count"] == before["attempt_count"] == 1
    assert after["next_payment_attempt"] == before["next_payment_attempt"]
    method = anna.pays_with("mastercard")
    world.forget()
    anna.last_invoice.does("pay", payment_method=method)
    world.check_events([*PAID, *PAST_DUE])
    world.at("2025-02-28", expect=[])
    assert plan.status == "active"


def test_without_any_method_a_renewal_counts_as_tried_and_no_charge_is_made(world: World) -> None:
    anna, plan = failed_renewal(world, card=None)
    world.at("2025-02-01 01:00", expect=[*OPENED, *REFUSED[1:], *PAST_DUE])
    assert plan.status == "past_due"
    assert anna.last_invoice.data["attempt_count"] == 1
    assert len(world.get("/v1/charges", customer=anna.id)["data"]) == 1
    anna.pays_with("visa")
    world.forget()
    world.at("2025-02-02 01:00", expect=[*PAID, *PAST_DUE])
    assert plan.status == "active"


def test_a_card_that_wants_its_owner_is_not_asked_again_until_there_is_another(world: World) -> None:
    anna, plan = failed_renewal(world, "always 3DS")
    world.at("2025-02-01 01:00", expect=[*OPENED, *ASKED, *PAST_DUE])
    error = anna.last_invoice.intent["last_payment_error"]
    assert error["code"] == "authentication_required"
    for tries, day in enumerate(RETRIES[:3], start=2):
        world.at(f"2025-02-{day:02} 01:00", expect=REFUSED[2:])
        assert anna.last_invoice.data["attempt_count"] == tries
        assert anna.last_invoice.intent["last_payment_error"] == error
    anna.pays_with("visa")
    world.forget()
    world.at("2025-02-08 01:00", expect=[*PAID, *PAST_DUE])
    assert plan.status == "active"


def test_giving_an_invoice_up_makes_its_subscription_active_again(world: World) -> None:
    anna, plan = failed_renewal(world)
    world.at("2025-02-01 02:00")
    anna.last_invoice.does("mark_uncollectible")
    world.check_events(["invoice.marked_uncollectible", "invoice.updated", *PAST_DUE])
    assert plan.status == "active"
    world.at("2025-02-20", expect=[])


def test_voiding_the_unpaid_renewal_makes_its_subscription_active_again(world: World) -> None:
    anna, plan = failed_renewal(world)
    world.at("2025-02-01 02:00")
    anna.last_invoice.does("void")
    world.check_events(["payment_intent.canceled", "invoice.voided", "customer.subscription.updated"])
    assert plan.status == "active"
    assert anna.now["delinquent"]  # voiding does not say that they pay
    world.at("2025-02-20", expect=[])


def test_an_invoice_made_by_hand_is_tried_as_often_and_then_left_open(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card="declining")
    anna.owes(5000)
    anna.bills(auto_advance=True)
    world.at("2025-01-01 01:00")
    world.at("2025-01-15 01:00")
    invoice = anna.last_invoice.data
    assert (invoice["status"], invoice["attempt_count"], invoice["next_payment_attempt"]) == ("open", 9, None)


def test_each_failure_by_hand_is_told_and_a_bank_that_asks_is_told_besides(world: World) -> None:
    anna, _ = failed_renewal(world, card="always 3DS")
    world.at("2025-02-01 01:00", expect=[*OPENED, *ASKED, *PAST_DUE])
    for _ in range(2):
        world.refused(f"/v1/invoices/{anna.last_invoice.data['id']}/pay")
        world.check_events([*ASKED[:2], *ASKED[3:]])


def test_what_is_charged_is_looked_for_at_the_subscription_first_and_then_at_the_customer(
    world: World,
) -> None:
    """A method before a source at each of them; what is taken away leaves it to the next one."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20))
    debit, amex = (
        world.post(f"/v1/customers/{anna.id}/sources", source=token)["id"]
        for token in ("tok_visa_debit", "tok_amex")
    )
    mastercard = world.post("/v1/payment_methods/pm_card_mastercard/attach", customer=anna.id)["id"]
    world.post(f"/v1/subscriptions/{plan.id}", default_payment_method=mastercard, default_source=amex)
    charged = []
    for month in (2, 3, 4, 5):
        world.at(f"2025-{month:02}-01 01:00")
        card = world.get("/v1/charges", customer=anna.id, limit=1)["data"][0]["payment_method_details"][
            "card"
        ]
        charged.append((card["brand"], card["last4"]))
        match month:
            case 2:
                world.post(f"/v1/subscriptions/{plan.id}", default_payment_method="")
            case 3:
                world.post(f"/v1/subscriptions/{plan.id}", default_source="")
            case 4:
                assert anna.now["default_source"] == debit
                world.post(f"/v1/customers/{anna.id}", invoice_settings={"default_payment_method": ""})
    assert charged == [("mastercard", "4444"), ("amex", "0005"), ("visa", "4242"), ("visa", "5556")]
