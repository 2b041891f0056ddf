"""Who gets into the dashboard, and who does not: passwords, codes, invitations, sessions and delays."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest

from billow.app import App
from billow.core.errors import Refused
from billow.flows.operators import audit_log, invitations, passwords, sessions
from billow.flows.operators.sessions import Browser
from tests.conftest import Api
from tests.dashboard.conftest import PASSWORD, Person, hired, signed_in, text_of


def test_without_a_session_every_screen_leads_to_the_sign_in_and_back(app: App, api: Api) -> None:
    person = Person(app.wsgi.test_client(), api.account, "nobody@shop.example")
    answer = person.opens("/invoices", tab="open")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/dashboard/sign-in?to=%2Fdashboard%2F")


def test_the_password_leads_back_to_the_screen_that_was_asked_for(app: App, api: Api) -> None:
    anna = hired(app, api.account, "support", "anna@shop.example")
    wanted = f"/dashboard/{api.account}/test/invoices"
    sent = {"email": " Anna@Shop.example ", "password": PASSWORD, "to": wanted}
    answer = anna.sends("/dashboard/sign-in", **sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, wanted)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    assert "Invoices" in anna.reads("/invoices")


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "/v1/customers"]
)
def test_no_sign_in_leads_elsewhere(app: App, api: Api, to: str) -> None:
    anna = hired(app, api.account, "support", f"anna@{api.account.lower()}.example")
    answer = anna.sends("/dashboard/sign-in", email=anna.email, password=PASSWORD, to=to)
    assert answer.headers["Location"] == f"/dashboard/{api.account}/test"


def test_a_wrong_password_and_a_wrong_address_are_answered_alike(app: App, api: Api) -> None:
    anna = hired(app, api.account, "support", "anna3@shop.example")
    answers = [
        text_of(anna.sends("/dashboard/sign-in", email=email, password="wrong wrong wrong").text)
        for email in (anna.email, "nobody@shop.example")
    ]
    assert "The mail address or the password is wrong." in answers[0]
    assert answers[0] == answers[1]


def test_after_five_failures_each_try_waits_longer(app: App, api: Api) -> None:
    anna = hired(app, api.account, "support", "anna4@shop.example")
    for _ in range(5):
        assert anna.sends("/dashboard/sign-in", email=anna.email, password="wrong wrong 1").status_code == 422
    with app.db.connection() as conn:
        conn.execute(
            "update operators set failures = 10, failed_at = %s where email = %s", (app.db.wall(), anna.email)
        )
    answer = anna.sends("/dashboard/sign-in", email=anna.email, password=PASSWORD)
    assert answer.status_code == 429 and 20 < int(answer.headers["Retry-After"]) <= 32
    with app.db.connection() as conn:
        conn.execute(
            "update operators set failed_at = failed_at - interval '40 s' where email = %s", (anna.email,)
        )
    signed_in(anna)
    with app.db.connection() as conn:
        conn.execute("delete from sign_in_failures")


def test_one_address_is_not_answered_after_twenty_failures(app: App) -> None:
    here, now = Browser("198.51.100.7", "curl"), app.db.wall()
    with app.db.connection() as conn:
        for _ in range(20):
            sessions.failed(conn, None, here, now)
        assert sessions.crowded(conn, here.address, now)
        assert not sessions.crowded(conn, here.address, now + timedelta(minutes=6))
        conn.execute("delete from sign_in_failures")


def code_of(page: Any) -> pyotp.TOTP:
    secret = text_of(page.text).split("enter this key there: ")[1].split()[0]
    return pyotp.TOTP(secret)


def test_a_one_time_code_is_asked_for_and_counts_once(app: App, api: Api) -> None:
    anna = signed_in(hired(app, api.account, "owner", "anna5@shop.example"))
    totp = code_of(anna.opens("/dashboard/factor"))
    assert anna.sends("/dashboard/factor", code="000000").status_code == 422
    first = totp.now()
    shown = anna.sends("/dashboard/factor", code=first)
    codes = [
        word for word in text_of(shown.text).split() if len(word) == 10 and word.isalnum() and word.islower()
    ]
    assert shown.status_code == 200 and len(codes) == 10
    second = Person(app.wsgi.test_client(), api.account, anna.email)
    answer = second.sends("/dashboard/sign-in", email=anna.email, password=PASSWORD)
    assert answer.headers["Location"] == "/dashboard/code"
    assert second.opens("/invoices").headers["Location"] == "/dashboard/code"  # not in yet
    assert second.sends("/dashboard/code", code=first).status_code == 422  # it was used
    before = second.client.get_cookie("billow").value
    assert second.sends("/dashboard/code", code=codes[0]).status_code == 303
    assert second.client.get_cookie("billow").value != before
    assert "Invoices" in second.reads("/invoices")
    third = Person(app.wsgi.test_client(), api.account, anna.email)
    third.sends("/dashboard/sign-in", email=anna.email, password=PASSWORD)
    assert third.sends("/dashboard/code", code=codes[0]).status_code == 422  # each counts once
    assert third.sends("/dashboard/code", code=codes[1]).status_code == 303


def test_a_session_ends_by_signing_out_by_idling_and_after_half_a_day(
    app: App, hire: Callable[..., Person]
) -> None:
    anna = hire("support")
    token = anna.opens("/invoices").text.split('name="token" value="')[1].split('"')[0]
    held = anna.client.get_cookie("billow").value
    now = app.db.wall()
    with app.db.connection() as conn:
        assert sessions.find(conn, held, now + timedelta(minutes=59)) is not None
        assert sessions.find(conn, held, now + timedelta(minutes=121)) is None
        conn.execute("update operator_sessions set seen = %s", (now + timedelta(hours=13),))
        assert sessions.find(conn, held, now + timedelta(hours=13)) is None
        conn.execute("update operator_sessions set seen = %s", (now,))
    assert anna.sends("/dashboard/sign-out", token=token).status_code == 303
    anna.client.set_cookie("billow", held)
    assert anna.opens("/invoices").status_code == 303


def test_the_first_link_makes_the_owner_and_works_once(app: App, api: Api) -> None:
    now = app.db.wall()
    with app.db.connection() as conn, conn.transaction():
        token = invitations.invite(conn, api.account, "admin", "new@shop.example", now, timedelta(hours=1))
    new = Person(app.wsgi.test_client(), api.account, "new@shop.example")
    where = f"/dashboard/welcome/{token}"
    short = new.sends(where, name="Nora", password="short", again="short")
    assert short.status_code == 422 and "12 to 200 characters" in text_of(short.text)
    differ = new.sends(where, name="Nora", password=PASSWORD, again="another password")
    assert "differ" in text_of(differ.text)
    assert new.sends(where, name="Nora", password=PASSWORD, again=PASSWORD).status_code == 303
    assert "Nora" in new.reads("")
    assert new.opens(where).status_code == 404
    with app.db.connection() as conn, conn.transaction():
        assert invitations.first_token(conn, api.account, now) is None


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaaaaaa", "ababababababab", "anna@shop.example", "x" * 201]
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(Refused):
        passwords.check(password, "anna@shop.example", "Anna")


def test_a_form_of_another_site_is_refused(owner: Person) -> None:
    token = owner.opens("/people").text.split('name="token" value="')[1].split('"')[0]
    form = {"token": token, "act": "invite", "email": "eve@evil.example", "role": "owner"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = owner.client.post(owner.address("/people"), data=form, headers=headers)
        assert answer.status_code == 403, headers
    assert owner.client.post(owner.address("/people"), data={**form, "token": ""}).status_code == 403
    assert "eve@evil.example" not in owner.reads("/audit")


def test_the_log_tells_what_was_changed_in_it(app: App, api: Api, owner: Person) -> None:
    owner.sends("/people", act="invite", email="new2@shop.example", role="support")
    said = owner.reads("/audit")
    assert "Chain whole" in said and "operators.invite new2@shop.example" in said
    assert "sign_in.succeed" in said
    with app.db.connection() as conn:
        conn.execute(
            "update audit_entries set about = 'other@shop.example' where account = %s and about = %s",
            (api.account, "new2@shop.example"),
        )
        broken = audit_log.broken(conn, api.account)
        assert broken == audit_log.entries(conn, api.account)[0].number
    assert f"Broken at entry {broken}" in owner.reads("/audit")
    signed_in(owner)  # another entry, so that the removed one leaves a gap
    with app.db.connection() as conn:
        conn.execute("delete from audit_entries where account = %s and number = %s", (api.account, broken))
        assert audit_log.broken(conn, api.account) == broken
    assert f"Broken at entry {broken}" in owner.reads("/audit")


def test_a_lost_password_is_replaced_by_a_link(app: App, api: Api) -> None:
    """Sessions and one-time codes end with it, and the log says so."""
    anna = signed_in(hired(app, api.account, "owner", f"anna@{api.account.lower()}.example"))
    totp = code_of(anna.opens("/dashboard/factor"))
    assert anna.sends("/dashboard/factor", code=totp.now()).status_code == 200
    now = app.db.wall()
    with app.db.connection() as conn, conn.transaction():
        token = invitations.invite(
            conn, api.account, "owner", anna.email, now, timedelta(hours=1), resets=True
        )
    where, other = f"/dashboard/welcome/{token}", "another long password"
    lost = Person(app.wsgi.test_client(), api.account, anna.email)
    assert "one-time codes are replaced" in lost.reads(where)
    assert lost.sends(where, password=other, again=other).status_code == 303
    assert "operators.reset" in lost.reads("/audit")
    assert anna.opens("/invoices").status_code == 303  # signed out
    again = Person(app.wsgi.test_client(), api.account, anna.email)
    assert again.sends("/dashboard/sign-in", email=anna.email, password=PASSWORD).status_code == 422
    answer = again.sends("/dashboard/sign-in", email=anna.email, password=other)
    assert answer.headers["Location"].endswith("/test")


@pytest.mark.parametrize("given", ["\uff11\uff12\uff13\uff14\uff15\uff16", "\x00", ""])
def test_what_nobody_can_have_typed_is_wrong_and_no_failure_of_ours(app: App, api: Api, given: str) -> None:
    anna = signed_in(hired(app, api.account, "owner", f"anna@{api.account.lower()}.example"))
    totp = code_of(anna.opens("/dashboard/factor"))
    assert anna.sends("/dashboard/factor", code=given).status_code == 422
    assert anna.sends("/dashboard/factor", code=totp.now()).status_code == 200
    again = Person(app.wsgi.test_client(), api.account, anna.email)
    assert again.sends("/dashboard/sign-in", email=anna.email + given, password=given).status_code == 422
    again.sends("/dashboard/sign-in", email=anna.email, password=PASSWORD)
    assert again.sends("/dashboard/code", code=given).status_code == 422
