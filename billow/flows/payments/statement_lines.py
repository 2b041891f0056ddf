"""Write the line that a charge has on the statement of its card."""

import re
from typing import Any

from billow.flows.outside.seller import seller_of
from billow.store.tx import Tx


def statement_descriptors(tx: Tx, descriptor: str | None, suffix: str | None) -> dict[str, Any]:
    """Return the descriptors, and the line on the card's statement: the seller's name and the suffix."""
    seller = re.sub(r"[<>\\'\"*]", "", seller_of(tx).name).upper()[:22].strip() or None
    own = suffix or descriptor
    line = f"{seller}* {own.upper()}"[:22] if seller and own else own.upper() if own else seller
    return {
        "calculated_statement_descriptor": line,
        "statement_descriptor": descriptor,
        "statement_descriptor_suffix": suffix,
    }
