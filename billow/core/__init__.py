"""Decide: how much, when, and what next, as pure functions over frozen dataclasses."""
