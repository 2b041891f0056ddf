"""Read whatever the database keeps of a tenant, as text, to search it for secrets."""

from billow.store.packed import unpack
from billow.store.tx import Tx


def kept(tx: Tx) -> dict[str, list[str]]:
    """Return the text of each row by table; of events, what they show is unpacked."""
    tables = tx.tuples(
        "select table_name from information_schema.tables where table_schema = 'billow'"
        " and table_type = 'BASE TABLE'"
    )
    found = {name: [text for (text,) in tx.tuples(f"select t::text from {name} t")] for (name,) in tables}
    found["events"] += [str(unpack(data)) for (data,) in tx.tuples("select data from events")]
    return found
