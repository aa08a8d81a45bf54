"""What the items and attributes of a survey are called, and the order in which figures show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demoscope.report.words import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from demoscope.surveys import Survey


class Names:
    """Names for readers.

    Items that the survey does not know (answers scored without one) keep their id, and their options are numbered.
    """

    def __init__(self, survey: Survey) -> None:
        self._items = {item.id: item for item in survey.items}
        self._attributes = {demographic.id: clean(demographic.label) for demographic in survey.demographics}
        domains = list(dict.fromkeys(item.domain for item in survey.items))
        self._position = {item.id: (domains.index(item.domain), n) for n, item in enumerate(survey.items)}

    def item(self, item_id: str) -> str:
        """Short name of an item."""
        return clean(self._items[item_id].label if item_id in self._items else item_id)

    def question(self, item_id: str) -> str:
        """Wording of an item, "" if unknown."""
        return clean(self._items[item_id].text) if item_id in self._items else ""

    def domain(self, item_id: str) -> str:
        """Domain of an item, "" if none."""
        domain = self._items[item_id].domain if item_id in self._items else ""
        return clean(domain) if domain.strip() else ""

    def options(self, item_id: str, size: int) -> tuple[str, ...]:
        """Labels of the ``size`` options of an item, in the order of the scale."""
        labels = self._items[item_id].labels if item_id in self._items else ()
        if len(labels) != size:
            return tuple(f"option {number}" for number in range(1, size + 1))
        return tuple(clean(label) for label in labels)

    def attribute(self, attribute_id: str) -> str:
        """Name of an attribute of persons."""
        return self._attributes.get(attribute_id) or clean(attribute_id)

    def ordered(self, item_ids: Iterable[str]) -> Sequence[str]:
        """Distinct items by domain, then as in the survey; unknown ones last, in the order given."""
        last = (len(self._position), 0)
        return sorted(dict.fromkeys(item_ids), key=lambda item_id: self._position.get(item_id, last))
