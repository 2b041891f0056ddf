"""Do files and links to them work through the official library?"""

import urllib.error
import urllib.request
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conformance.conftest import Whole
from tests.conftest import Api

PDF = b"%PDF-1.7 of Ann"


@pytest.fixture
def client(api: Api, http_url: str, contract: ModuleType) -> Any:
    """The official client, which sends files to another host unless it is told otherwise."""
    import stripe

    addresses: Any = {"api": http_url, "files": http_url}
    return stripe.StripeClient(api.key, http_client=contract.recorder(), base_addresses=addresses)


def test_a_file_is_uploaded_listed_shared_and_fetched(
    client: Any, api: Api, http_url: str, whole: Whole, tmp_path: Path
) -> None:
    path = tmp_path / "evidence.pdf"
    path.write_bytes(PDF)
    with path.open("rb") as opened:
        data = {"create": True, "metadata": {"a": "1"}}
        given = {"file": opened, "purpose": "dispute_evidence", "file_link_data": data}
        file = whole(client.v1.files.create(given))
    assert (file.filename, file.size, file.links.data[0].metadata.to_dict()) == (
        "evidence.pdf",
        15,
        {"a": "1"},
    )
    blob = client.v1.files.create({"file": BytesIO(PDF), "purpose": "pci_document"}, {"idempotency_key": "k"})
    again = client.v1.files.create(
        {"file": BytesIO(PDF), "purpose": "pci_document"}, {"idempotency_key": "k"}
    )
    assert (blob.filename, blob.type, again.id) == ("blob", "pdf", blob.id)
    assert [one.id for one in client.v1.files.list({"purpose": "dispute_evidence"}).data] == [file.id]
    assert whole(client.v1.files.retrieve(file.id)).url == file.url
    link = whole(client.v1.file_links.create({"file": file.id}))
    address = http_url + "/" + link.url.split("/", 3)[3]
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == PDF and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.v1.file_links.update(link.id, {"expires_at": "now"}).expired
    assert [one.id for one in client.v1.file_links.list({"expired": True}).data] == [link.id]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(address)
