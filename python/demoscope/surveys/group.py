"""A group of people, as an expression over what is known about them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from demoscope.config import Settings


class Group(Settings):
    """People of whom an expression holds.

    Attributes:
        where: SQL expression over ids of items (codes) and attributes (words; numbers where there are bands) and
            ``country``: ``"Q240 BETWEEN 1 AND 3"``. Somebody for whom it is unknown is not in the group.
        text: How a persona says that it is one of them, after "You are".
        dimension: Name of the groups among which this is one: ``"ideology"``.
    """

    where: Annotated[str, Field(min_length=1)]
    text: Annotated[str, Field(min_length=1)]
    dimension: str = ""
