"""Stories need a world here too."""

from tests.scenarios.conftest import world, worlds

__all__ = ["world", "worlds"]
