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
class Weighted:
    """The people of one country and what their weights cost.

    Attributes:
        country: Its name.
        n: People.
        n_eff: As many people with equal weights would give means as precise (Kish), at most ``n``.
        low, high: Smallest and largest weight, where their mean is 1.
    """

    country: str
    n: int
    n_eff: float
    low: float
    high: float


@dataclass(frozen=True)
class Unanswered:
    """What the people said to one item when they gave no answer.

    Attributes:
        item: Its id.
        n: People.
        reasons: ``schema.MissingReason`` to the number of people.
        not_asked_in: Number of countries in which nobody was asked.
    """

    item: str
    n: int
    reasons: dict[str, int]
    not_asked_in: int = 0


@dataclass(frozen=True)
class Respondents:
    """The people that models are compared with.

    Attributes:
        notes: Sentences on where they come from: kind of file, weights, columns that the file lacks.
        countries: One entry for each country.
        items: One entry for each item, in the order of the survey.
    """

    notes: tuple[str, ...]
    countries: tuple[Weighted, ...]
    items: tuple[Unanswered, ...]


@dataclass(frozen=True)
class RunFacts:
    """Facts of a run.

    Nothing here is computed by the report: models with revision, engine, label mass, cells asked, seconds, versions,
    hashes, citation and licence of the survey, licence notes, invalid answers by reason.

    Attributes:
        title: Title of the page.
        sections: Facts in the order in which they are shown.
        files: Name and description of the files beside the report.
        respondents: The people, where they are known.
        warning: What has to be read before everything else, such as that the people are simulated; "" for nothing.
    """

    title: str
    sections: tuple[FactSection, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    respondents: Respondents | None = None
    warning: str = ""
