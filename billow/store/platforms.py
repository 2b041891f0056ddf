"""Find the platform of a connected account, and the receivers of events that a platform has in its accounts.

A webhook endpoint of a platform that hears of connected accounts has a queue in each of them, named by its id
and the account's: `we_1@acct_1`.
"""

from collections.abc import Iterator

from billow.store.tx import Tx

OF_ACCOUNTS = ("account.external_account.", "capability.", "person.")
"""The events that a platform's books keep, and that tell of a connected account."""


def platform_of(tx: Tx) -> str | None:
    """Return the tenant of the platform that has connected the account; None where none has."""
    found = tx.one("select platform from accounts where id = %(id)s", id=tx.account)
    return beside(tx, found["platform"]) if found and found["platform"] else None


def beside(tx: Tx, account: str) -> str:
    """Return the tenant of another account in the mode of the transaction."""
    return f"{account}/{tx.tenant.split('/')[1]}"


def accounts_of(tx: Tx) -> list[str]:
    """Return the accounts that are connected to this one."""
    found = tx.tuples("select id from accounts where platform = %(id)s order by id", id=tx.account)
    return [id for (id,) in found]


def is_connected(tx: Tx, account: str) -> bool:
    """Check in a platform's tenant whether an account is connected still; one that is deleted is not."""
    return bool(tx.tuples("select 1 from connected_accounts where id = %(id)s", id=account))


def receiver_name(endpoint: str, account: str) -> str:
    """Return the name of the queue that an endpoint has in a connected account."""
    return f"{endpoint}@{account}"


def endpoint_of(receiver: str) -> tuple[str, str]:
    """Return the endpoint of a queue, and the connected account that it is of, empty for one's own."""
    endpoint, _, account = receiver.partition("@")
    return endpoint, account


def queues(tx: Tx, endpoint: str, connected: bool) -> Iterator[tuple[Tx, str]]:
    """Return each queue of an endpoint, with a transaction in its tenant."""
    yield tx, endpoint
    for account in accounts_of(tx) if connected else []:
        with tx.within(beside(tx, account)) as there:
            yield there, receiver_name(endpoint, account)


def told_of(account: str, type: str, object: dict[str, object]) -> str | None:
    """Return the connected account that an event of a platform tells of; None if it is the platform's own."""
    if type == "account.updated":
        told = object.get("id")
    elif type.startswith(OF_ACCOUNTS):
        told = object.get("account")
    else:
        return None
    return str(told) if told and told != account else None
