"""Describe what a check found: which object is wrong, what is expected, and what is there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    rule: str
    object: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.object}: {self.rule}: expected {self.expected}, found {self.found}"
