"""Are files stored, downloaded and shared, and only with those who may read them?"""

import hashlib
import time
from datetime import timedelta
from io import BytesIO
from types import ModuleType
from typing import Any

import pytest

from billow.core.file_types import PURPOSES, type_of
from billow.flows.platform import retention
from tests.conftest import Api, Reply

PDF, PNG = b"%PDF-1.7 of Ann", b"\x89PNG\r\n\x1a\n of Ann"


def upload(api: Api, body: bytes = PDF, name: str = "a.pdf", **sent: Any) -> Reply:
    key = {"Idempotency_Key": sent.pop("key")} if "key" in sent else {}
    whole = {"purpose": "dispute_evidence", "file": (BytesIO(body), name), **sent}
    return api.post("/v1/files", {name: value for name, value in whole.items() if value is not None}, **key)


def download(api: Api, url: str, key: str | None = None) -> Any:
    path = "/" + url.split("/", 3)[3]
    return api.app.wsgi.test_client().get(path, headers={"Authorization": f"Bearer {key}"} if key else {})


def test_a_file_is_shown_as_the_contract_has_it(api: Api, contract: ModuleType) -> None:
    made = upload(api, name="/papers/letter.pdf")
    assert (made.status, contract.problems(made), contract.absent(made)) == (200, [], [])
    shown = (made["filename"], made["size"], made["type"], made["purpose"], made["title"])
    assert shown == ("letter.pdf", len(PDF), "pdf", "dispute_evidence", None)
    assert made["expires_at"] - made["created"] == 275 * 86400 and made["links"]["data"] == []
    assert api.get(f"/v1/files/{made['id']}") == made == api.get("/v1/files")["data"][0]
    [event] = api.get("/v1/events")["data"]
    assert (event["type"], event["data"]["object"]) == ("file.created", made)


def test_a_file_is_downloaded_with_a_key_and_never_shown_by_a_browser(api: Api, other: Api) -> None:
    made = upload(api, PNG, "ta'x é.png", purpose="tax_document_user_upload")
    answer = download(api, made["url"], api.key)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PNG, "image/png")
    said = answer.headers
    named = "attachment; filename=\"ta_x _.png\"; filename*=UTF-8''ta%27x%20%C3%A9.png"
    assert said["Content-Disposition"] == named
    assert said["X-Content-Type-Options"] == "nosniff" and "sandbox" in said["Content-Security-Policy"]
    assert said["ETag"] == f'"{hashlib.sha256(PNG).hexdigest()}"'
    assert download(api, made["url"]).status_code == 401
    assert download(api, made["url"], other.key).status_code == 404


def test_a_link_works_without_a_key_until_it_expires(api: Api, contract: ModuleType) -> None:
    file = upload(api)
    soon = int(time.time()) + 3600
    link = api.post("/v1/file_links", {"file": file["id"], "expires_at": soon, "metadata[a]": "1"})
    assert (contract.problems(link), contract.absent(link), link["expired"]) == ([], [], False)
    assert api.get(f"/v1/files/{file['id']}")["links"]["data"] == [link]
    answer = download(api, link["url"])
    assert (answer.status_code, answer.data) == (200, PDF)
    assert "attachment" in answer.headers["Content-Disposition"]
    for url in (link["url"][:-1], link["url"] + "x", link["url"].replace("/test/", "/live/")):
        assert download(api, url).status_code == 404
    assert api.post(f"/v1/file_links/{link['id']}", {"expires_at": ""})["expires_at"] is None
    ended = api.post(f"/v1/file_links/{link['id']}", {"expires_at": "now", "metadata[b]": "2"})
    assert (ended["expired"], ended["metadata"]) == (True, {"a": "1", "b": "2"})
    gone = download(api, link["url"])
    assert (gone.status_code, PDF in gone.data, gone.mimetype) == (404, False, "text/plain")
    assert api.post(f"/v1/file_links/{link['id']}", {"metadata[c]": "3"}).status == 400
    kept = api.post("/v1/file_links", {"file": file["id"]})
    for query, found in (({"expired": "true"}, [ended]), ({"expired": "false"}, [kept])):
        assert api.get("/v1/file_links", {"file": file["id"], **query})["data"] == found
    assert api.post("/v1/file_links", {"file": file["id"], "expires_at": 1})["error"]["param"] == "expires_at"


def test_a_file_is_created_with_its_link(api: Api) -> None:
    later = int(time.time()) + 60
    data = {"file_link_data[create]": "true", "file_link_data[metadata][a]": "1"}
    made = upload(api, **data, **{"file_link_data[expires_at]": str(later)})
    [link] = made["links"]["data"]
    assert (link["file"], link["metadata"], link["expires_at"]) == (made["id"], {"a": "1"}, later)
    assert api.get("/v1/events")["data"][0]["data"]["object"]["links"]["data"] == [link]
    assert upload(api, **{"file_link_data[create]": "false"})["links"]["data"] == []
    assert api.get("/v1/file_links", {"expand[]": "data.file"})["data"][0]["file"]["id"] == made["id"]
    secret = upload(api, purpose="identity_document", **data)
    assert (secret.status, secret["error"]["param"]) == (400, "file")
    assert len(api.get("/v1/files")["data"]) == 2, "nothing of it is kept"


def test_a_wrong_address_is_not_found(api: Api) -> None:
    link = api.post("/v1/file_links", {"file": upload(api)["id"]})
    _, account, mode, id, seal = link["url"].split("/", 3)[3].split("/")
    client = api.app.wsgi.test_client()
    assert client.get(f"/links/{account}/{mode}/{id}/{seal}").status_code == 200
    for spoilt in (
        f"/links/{account}%00/{mode}/{id}/{seal}",
        f"/links/{account}/other/{id}/{seal}",
        f"/links/{account}'/{mode}/{id}/{seal}",
        f"/links/{account}/{mode}/{id}%00/{seal}",
        f"/links/{account}/{mode}/{id}/%E2%82%AC",
        f"/links/{account}/{mode}/{id}/%FF%00",
    ):
        assert client.get(spoilt).status_code == 404, spoilt
    for path in ("/v1/files/%00", "/v1/files/%00/contents", "/v1/customers/a%00b"):
        assert api.get(path).status == 404, path


@pytest.mark.parametrize(
    ("sent", "param", "message"),
    [
        ({"body": b""}, "file", "empty"),
        ({"purpose": "holiday"}, "purpose", "Invalid purpose: must be one of account_requirement, "),
        ({"purpose": "finance_report_run"}, "purpose", "Invalid purpose"),
        ({"purpose": None}, "purpose", "Missing required param: purpose."),
        ({"file": None}, "file", "Missing required param: file."),
        ({"file": "text"}, "file", "Invalid hash"),
        ({"body": b"MZ", "name": "a.pdf"}, "file", "We don't currently support that file type."),
        ({"body": PDF.ljust((5 << 20) + 1)}, "file", f"larger than {5 << 20} bytes"),
        ({"colour": "red"}, "colour", "Received unknown parameter: colour"),
    ],
)
def test_a_file_that_its_purpose_does_not_take_is_refused(
    api: Api, sent: dict[str, Any], param: str, message: str
) -> None:
    answer = upload(api, **sent)
    assert (answer.status, answer["error"]["param"]) == (400, param), answer
    assert message in answer["error"]["message"]
    assert api.get("/v1/files")["data"] == [] and api.get("/v1/events")["data"] == []


def test_a_body_that_is_too_large_is_413(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billow.api.decoding.MAX_BULK", 1000)
    assert upload(api).status == 200
    refused = upload(api, PDF.ljust(1000))
    assert (refused.status, refused["error"]["type"]) == (413, "invalid_request_error")


def test_only_a_noun_that_takes_files_takes_a_multipart_form(api: Api) -> None:
    for path, status in (("/v1/customers", 400), ("/v1/files", 200)):
        sent = {"purpose": "pci_document", "file": (BytesIO(PDF), "a.pdf")}
        assert api.post(path, sent).status == status
    broken = api.ask("POST", "/v1/files", data=b"no parts", content_type="multipart/form-data")
    assert broken.status == 400


def test_a_repeated_upload_is_answered_again_and_other_bytes_are_refused(api: Api) -> None:
    first = upload(api, key="k")
    again = upload(api, key="k")  # each form has another boundary
    assert again == first and again.headers["Idempotent-Replayed"] == "true"
    for changed in ({"body": PDF + b"!"}, {"name": "b.pdf"}, {"purpose": "pci_document"}):
        refused = upload(api, key="k", **changed)
        assert (refused.status, refused["error"]["type"]) == (400, "idempotency_error")
    assert len(api.get("/v1/files")["data"]) == 1


def test_files_are_found_by_purpose_and_time(api: Api) -> None:
    one, two = upload(api), upload(api, purpose="pci_document")
    for query, found in (
        ({"purpose": "pci_document"}, [two]),
        ({"purpose": "selfie"}, []),
        ({"created[gte]": one["created"]}, [two, one]),
        ({"created[lt]": one["created"]}, []),
        ({"limit": 1}, [two]),
    ):
        assert api.get("/v1/files", query)["data"] == found, query
    assert api.get("/v1/files", {"purpose": "holiday"}).status == 400


def test_an_expired_file_is_not_found_and_its_bytes_are_deleted(api: Api) -> None:
    file = upload(api, **{"file_link_data[create]": "true"})
    url = file["links"]["data"][0]["url"]
    with api.app.db.transaction(api.tenant) as tx:
        retention.prune_files(tx)
    assert download(api, url).status_code == 200
    with api.app.db.transaction(api.tenant) as tx:
        tx.run("update files set expires_at = %(then)s", then=tx.wall - timedelta(seconds=1))
    assert download(api, url).status_code == 404 and download(api, file["url"], api.key).status_code == 404
    assert api.post("/v1/file_links", {"file": file["id"]}).status == 400
    with api.app.db.transaction(api.tenant) as tx:
        assert retention.prune_files(tx) == 1
        assert tx.tuples("select file from file_contents") == []
    assert api.get(f"/v1/files/{file['id']}").status == 200


def test_the_type_of_a_file_comes_from_its_bytes_before_its_name() -> None:
    for name, body, type in (
        ("a.png", PDF, "pdf"),
        ("blob", PNG, "png"),
        ("a", b"\xff\xd8\xff\xe0", "jpg"),
        ("a", b"GIF89a", "gif"),
        ("a.xml", b'<?xml version="1.0"?>\n<svg xmlns="x">', "svg"),
        ("a.html", b"<html><svg>", None),
        ("a.CSV", b"a,b", "csv"),
        ("a.csv", b"\xff\xfe\x00", None),
        ("a.docx", b"PK\x03\x04", "docx"),
        ("a.docx", b"text", None),
        ("a.exe", b"MZ", None),
    ):
        assert type_of(name, body) == type, name


def test_the_purposes_are_those_of_the_official_library() -> None:
    import ast
    from pathlib import Path

    from stripe.params import _file_create_params as params

    tree = ast.parse(Path(params.__file__).read_text())
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    [choices] = [
        node for node in named if ast.unparse(node.value) == "Literal" and "pci" in ast.unparse(node)
    ]
    assert set(ast.literal_eval(choices.slice)) == set(PURPOSES)
