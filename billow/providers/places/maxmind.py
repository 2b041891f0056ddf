"""Read a database of IP addresses in MaxMind's format, which several publishers use."""

import ipaddress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from billow.core.errors import Refused
from billow.providers.places import Place

NO_LIBRARY = "BILLOW_IP_DATABASE needs the library maxminddb: pip install 'billow[ip]'."


@dataclass(frozen=True)
class MaxMind:
    """A file of a publisher, such as GeoLite2-City.mmdb. It is opened at the first question."""

    file: Path

    @cached_property
    def reader(self) -> Any:
        try:
            library = import_module("maxminddb")
        except ImportError:
            raise Refused(NO_LIBRARY) from None
        try:
            return library.open_database(self.file)
        except (OSError, library.InvalidDatabaseError) as error:
            raise Refused(f"BILLOW_IP_DATABASE cannot be read: {error}") from None

    def place_of(self, address: str) -> Place | None:
        """Return the place of an IP address; None where the file has none, or it is no address."""
        try:
            asked = ipaddress.ip_address(address.strip())
            found = self.reader.get(str(asked)) or {}
        except ValueError:  # no address, or one of IPv6 in a file of IPv4
            return None
        country = (found.get("country") or {}).get("iso_code")
        if not country:
            return None
        states = found.get("subdivisions") or [{}]
        return Place(country.upper(), states[0].get("iso_code"))
