"""Provide the world of the stories for golden tests."""

from tests.flows.conftest import world, worlds

__all__ = ["world", "worlds"]
