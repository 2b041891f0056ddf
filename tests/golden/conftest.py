"""Stories need a world here too."""

from tests.flows.conftest import world, worlds

__all__ = ["world", "worlds"]
