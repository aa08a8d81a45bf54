"""What the report says about a run beside its scores; the run fills it in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FactSection:
    """Facts under one heading.

    Attributes:
        title: The heading, for example "Model" or "Invalid answers".
        rows: Label and value, both as text for readers.
    """

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RunFacts:
    """Facts of a run.

    Nothing here is computed by the report: models with revision, engine, label mass, cells asked, seconds, versions,
    hashes, citation and licence of the survey, licence notes, invalid answers by reason.

    Attributes:
        title: Title of the page.
        sections: Facts in the order in which they are shown.
        files: Name and description of the files beside the report.
    """

    title: str
    sections: tuple[FactSection, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
