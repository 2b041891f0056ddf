"""Is an address with a forged seal not found, and does no answer repeat the host of its request?"""

from typing import Any

import pytest

ELSEWHERE = "elsewhere.example"


@pytest.mark.parametrize("seal", ["ü", "%C3%BC", "%ff", "%00", "a%0d%0ab", "💥"])
@pytest.mark.parametrize(
    "page",
    [
        *("i/{at}/in_1/{seal}", "i/{at}/in_1/{seal}/pdf", "r/{at}/ch_1/{seal}", "links/{at}/link_1/{seal}"),
        *(
            "c/{at}/cs_1/{seal}",
            "c/{at}/cs_1/{seal}/confirm",
            "c/{at}/cs_1/{seal}/done",
            "b/{at}/plink_1/{seal}",
        ),
        *("m/{at}/cus_1./{seal}", "a/{at}/pi_1/{seal}", "p/{at}/bps_1/{seal}"),
    ],
)
def test_a_seal_that_nobody_made_is_not_found(api: Any, page: str, seal: str) -> None:
    answer = api.app.wsgi.test_client().get("/" + page.format(at=api.tenant, seal=seal))
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    ["//v1/customers", "/v1//customers", "/v1/customers/", "/v1/customers//", "//docs", "/docs/", "/i//x"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_answer_repeats_the_host_of_its_request(api: Any, method: str, path: str) -> None:
    for key in (f"Bearer {api.key}", "Bearer nobody"):
        answer = api.app.wsgi.test_client().open(
            path, method=method, base_url=f"http://{ELSEWHERE}", headers={"Authorization": key}
        )
        assert answer.status_code not in range(300, 400)
        assert ELSEWHERE not in f"{answer.headers}{answer.get_data(as_text=True)}"


def test_the_examples_of_the_manual_name_the_address_of_the_installation(api: Any) -> None:
    answer = api.app.wsgi.test_client().get("/docs/customer", base_url=f"http://{ELSEWHERE}")
    assert "http://127.0.0.1:8420/v1/customers" in answer.text and ELSEWHERE not in answer.text
