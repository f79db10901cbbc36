"""A mutation: a small mistake in the program, of the kind that people make, which a call of the library must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One change of the source."""

    harm: str
    """What would go wrong for somebody on the telephone, or for whoever reads the record."""
    file: str
    """Below `telephony/`."""
    old: str
    """Occurs once in it."""
    new: str
    caught_by: tuple[str, ...]
    """The calls of the library that notice."""

    def __str__(self) -> str:
        return f"{self.file}: {self.harm}"


def mutation(harm: str, file: str, old: str, new: str, *caught_by: str) -> Mutation:
    return Mutation(harm, file, old, new, caught_by)
