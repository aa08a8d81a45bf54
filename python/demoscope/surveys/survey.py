"""A survey as one TOML file: its items, its attributes of persons, and where its data lie."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import Field, model_validator

from demoscope.config import Group, Settings, parse, read_toml
from demoscope.errors import ConfigError, nearest
from demoscope.schema import ALL, PERSONAS, RESPONSES
from demoscope.surveys.culture_map import CultureMap
from demoscope.surveys.demographic import Demographic
from demoscope.surveys.item import (
    ColumnNames,
    Identifier,
    Item,
    MissingCodes,
    Options,
    as_integer,
    as_names,
    repeated,
)
from demoscope.surveys.phrases import shipped_phrases
from demoscope.surveys.translations import LanguageTag, Translation, with_scales
from demoscope.surveys.variant import Variant

EMBEDDED: Final = ("ces2016", "synthetic")
"""Surveys whose people come with the package, by name."""

DEFINED: Final = ("ces", "ess", "evs2017", "gss", "wvs7")
"""Surveys whose definition comes with the package and whose data file is the user's."""

Part = TypeVar("Part", Item, Demographic)

_RESERVED: Final = frozenset(("respondent_id", "option_codes", "stratum", "psu", *PERSONAS, *RESPONSES))


class Survey(Settings):
    """Everything that is known about a survey but its data.

    Attributes:
        id: Short name.
        title: Name for readers.
        citation: How the data ask to be cited.
        licence: Terms of the data.
        notes: What a reader of results has to know: mode, coverage, missing weights.
        data: Data file, relative to the TOML file; absolute once loaded.
        generator: Built-in population that makes the data, in place of a file.
        id_column: Column that names respondents, or several that do so together; without one, respondents are numbered.
        country_column: Column of the country or whatever plays its part.
        country: The one country of a survey without such a column.
        countries: Text of a cell to name of the country; empty means that cells are names.
        weight_column: Column of design weights, of several names the first that a file has; without one, every weight
            is 1.
        strata_column: Column of the stratum, of several names the first that a file has; where it has none, weights
            are all that is known of the design.
        psu_column: The same of the primary sampling unit.
        no_unit: Cells of these two columns that name no stratum or unit, beside the missing codes of the survey.
        partial: Whether files may lack columns of items and attributes, as those of other rounds do; what is absent is
            left out and reported.
        labels: Whether labels of codes in a file are compared with those declared here; a contradiction is an error.
        variants: Kinds of file; the first that fits is what a file is.
        missing: Text of a cell to reason, for items and attributes that have no such table of their own.
            A code that is declared as an option or value stays valid.
        missing_tables: Such tables by name, for items and attributes that share them: ``missing = "two_digits"``.
        scales: Options by name, for items that share them: ``options = "agreement"``.
        language: Language of its own texts.
        languages: Country to the language in which its people are asked; others are asked in ``language``.
        translations: Scales and phrases in further languages, by language.
        demographics: Attributes of persons, in the order in which a prompt says them.
        items: The questions.
        groups: Groups of people, by name.
        culture_map: How countries are placed on a map of cultures.
    """

    id: Identifier
    title: str = Field(min_length=1)
    citation: str = ""
    licence: str = ""
    notes: str = ""
    data: Path | None = None
    generator: Literal["synthetic"] | None = None
    id_column: ColumnNames | None = None
    country_column: str | None = None
    country: str | None = Field(default=None, min_length=1)
    countries: dict[str, str] = Field(default_factory=dict)
    weight_column: ColumnNames | None = None
    strata_column: ColumnNames | None = None
    psu_column: ColumnNames | None = None
    no_unit: tuple[str, ...] = ()
    partial: bool = False
    labels: Literal["checked", "ignored"] = "checked"
    variants: tuple[Variant, ...] = ()
    missing: MissingCodes = Field(default_factory=dict)
    missing_tables: dict[str, MissingCodes] = Field(default_factory=dict)
    scales: dict[str, Options] = Field(default_factory=dict)
    language: LanguageTag = "en"
    languages: dict[str, LanguageTag] = Field(default_factory=dict)
    translations: dict[LanguageTag, Translation] = Field(default_factory=dict)
    demographics: tuple[Demographic, ...] = ()
    items: tuple[Item, ...] = Field(min_length=1)
    groups: dict[Identifier, Group] = Field(default_factory=dict)
    culture_map: CultureMap | None = None

    @property
    def id_columns(self) -> tuple[str, ...]:
        """Columns that name a respondent together; none where respondents are numbered."""
        return as_names(self.id_column)

    @property
    def weight_columns(self) -> tuple[str, ...]:
        """Names that the column of weights may have; none where every weight is 1."""
        return as_names(self.weight_column)

    @property
    def parts(self) -> tuple[Item | Demographic, ...]:
        """Everything that is read from a column of answers: demographics, then items."""
        return (*self.demographics, *self.items)

    def item(self, item_id: str) -> Item:
        """The item of that name.

        Raises:
            ConfigError: There is none; the message has the nearest name.
        """
        return _named(item_id, self.items, what=f"survey {self.id!r} has no item")

    def demographic(self, demographic_id: str) -> Demographic:
        """The attribute of that name.

        Raises:
            ConfigError: There is none; the message has the nearest name.
        """
        return _named(demographic_id, self.demographics, what=f"survey {self.id!r} has no demographic")

    def shown(self, attributes: Iterable[str] | None = None) -> tuple[str, ...]:
        """Names of the attributes that personas show, in the order of the survey.

        Args:
            attributes: Names in any order; ``None`` means those that the survey itself shows.

        Raises:
            ConfigError: A name is unknown, with the nearest one, or comes twice.
        """
        if attributes is None:
            return tuple(demographic.id for demographic in self.demographics if demographic.shown)
        chosen = [self.demographic(name).id for name in attributes]
        if twice := repeated(chosen):
            raise ConfigError(f"attribute {twice[0]!r} is named twice")
        return tuple(demographic.id for demographic in self.demographics if demographic.id in chosen)

    def items_told_by(self, attributes: Collection[str]) -> tuple[str, ...]:
        """Items whose answer a persona with these attributes has been told, since both read the same column."""
        columns = {column for name in attributes for column in self.demographic(name).columns}
        return tuple(item.id for item in self.items if columns.intersection(item.columns))

    @property
    def known_languages(self) -> tuple[str, ...]:
        """Its own language, then every other one in which it says something, sorted."""
        said = {tag for part in self.parts for tag in part.translations} | set(self.translations)
        return (self.language, *sorted(said - {self.language}))

    def translated(self, language: str) -> str | None:
        """The key of translations to look under: ``None`` for the survey's own language."""
        return None if language == self.language else language

    def phrases(self, language: str) -> Mapping[str, str]:
        """Fixed phrases of prompts in a language, by name: the shipped ones with the survey's own put in their place.

        A regional language (``"es-PE"``) starts from the phrases of its base (``"es"``) unless it is shipped itself.
        """
        shipped = shipped_phrases()
        base = shipped.get(language) or shipped.get(language.partition("-")[0])
        own = self.translations.get(language)
        return (base.given() if base else {}) | (own.phrases.given() if own else {})

    def phrase(self, name: str, *, language: str) -> str:
        """One fixed phrase of prompts.

        Raises:
            ConfigError: The language lacks it.
        """
        found = self.phrases(language).get(name)
        if found is None:
            raise ConfigError(
                f"language {language!r}: survey {self.id!r} lacks {name!r} in [translations.{language}.phrases]"
            )
        return found

    def missing_codes(self, part: Item | Demographic) -> MissingCodes:
        """Text of a cell to reason, as it holds for one item or attribute."""
        if part.missing is not None:
            base = part.missing
        elif isinstance(part, Item):
            base = {text: reason for text, reason in self.missing.items() if as_integer(text) not in part.codes}
        else:
            base = {text: reason for text, reason in self.missing.items() if text not in part.values}
        return base | part.missing_also

    @model_validator(mode="before")
    @classmethod
    def _fill_in_what_is_shared(cls, table: Any) -> Any:  # noqa: ANN401 - raw TOML
        if not isinstance(table, Mapping):
            return table
        scales, translations = table.get("scales", {}), table.get("translations", {})
        filled = dict(table)
        for kind in ("demographics", "items"):
            if isinstance(parts := table.get(kind), list | tuple):
                filled[kind] = [_with_missing(part, table.get("missing_tables", {})) for part in parts]
        if isinstance(items := filled.get("items"), list):
            filled["items"] = [_with_scale(item, scales, translations) for item in items]
        return filled

    @model_validator(mode="after")
    def _parts_agree(self) -> Survey:
        for problem in (
            *self._naming_problems(),
            *self._country_problems(),
            *self._missing_problems(),
            *self._language_problems(),
            *self._variant_problems(),
            *(self.culture_map.problems(self.items) if self.culture_map else ()),
        ):
            raise ValueError(problem)
        if self.data is not None and self.generator is not None:
            raise ValueError("data and generator exclude each other")
        if len(nouns := [demographic.id for demographic in self.demographics if demographic.noun]) > 1:
            raise ValueError(f"demographics {', '.join(nouns)} all want to be the noun of the sentence")
        sizes = Counter(item.block for item in self.items if item.block is not None)
        if alone := [block for block, size in sizes.items() if size == 1]:
            raise ValueError(f"block {alone[0]!r} has one item; a block ties at least two")
        return self

    def _naming_problems(self) -> Iterable[str]:
        for name in repeated(item.id for item in self.items):
            yield f"two items are called {name!r}"
        for name in repeated(demographic.id for demographic in self.demographics):
            yield f"two demographics are called {name!r}"
        for name in {item.id for item in self.items} & {demographic.id for demographic in self.demographics}:
            yield f"{name!r} is both an item and a demographic; name one of them otherwise and give it `column`"
        for part in self.parts:
            if part.id in _RESERVED:
                yield f"{part.id!r} is a column of our own tables; name it otherwise and give it `column`"

    def _country_problems(self) -> Iterable[str]:
        if (self.country_column is None) == (self.country is None):
            yield "give either country_column or, for a single country, country"
        if self.countries and self.country_column is None:
            yield "countries names the cells of country_column, which is not given"
        if ALL in (self.country, *self.countries.values()):
            yield f"{ALL!r} cannot be a country: it stands for all of them in results"
        known = set(self.countries.values()) if self.country is None else {self.country}
        for item in self.items:
            for country in item.asked_in or ():
                if known and country not in known:
                    yield f"item {item.id!r} is asked in {country!r}, no country of this survey"

    def _missing_problems(self) -> Iterable[str]:
        for demographic in self.demographics:
            for text in self.missing if demographic.missing is None else ():
                if band := demographic.band_of(text):
                    yield (
                        f"missing code {text} lies in band {band!r} of demographic {demographic.id!r}; "
                        "give that demographic its own `missing`"
                    )

    def _variant_problems(self) -> Iterable[str]:
        known = [item.id for item in self.items]
        for variant in self.variants:
            for name in variant.mirrored:
                if name not in known:
                    yield f"variant {variant.name!r} mirrors {name!r}, no item of this survey{nearest(name, known)}"

    def _language_problems(self) -> Iterable[str]:
        known = set(self.countries.values()) if self.country is None else {self.country}
        for country, language in self.languages.items():
            if known and country not in known:
                yield f"languages has {country!r}, no country of this survey{nearest(country, known)}"
            if language not in self.known_languages:
                yield f"languages: {country!r} speaks {language!r}, in which the survey says nothing"
        for part in self.parts:
            if self.language in part.translations:
                yield f"{part.id!r}: translations.{self.language} is the language of the survey itself"
        for tag, said in self.translations.items():
            for name in said.scales:
                if tag == self.language:
                    yield f"translations.{tag}.scales: {tag!r} is the language of the survey itself"
                elif name not in self.scales:
                    yield f"translations.{tag}.scales: no scale is called {name!r}{nearest(name, self.scales)}"


def load_survey(name_or_path: str | Path) -> Survey:
    """Read a survey.

    Args:
        name_or_path: Name of a survey that comes with the package (``"ces2016"``, ``"wvs7"``), or path of a TOML file.

    Raises:
        ConfigError: There is no such survey, or its file breaks a rule; one line for each problem.
    """
    shipped = (*EMBEDDED, *DEFINED)
    if name_or_path in shipped:
        path = Path(__file__).parent / "data" / f"{name_or_path}.toml"
    else:
        path = Path(name_or_path)
        if isinstance(name_or_path, str) and path.suffix != ".toml" and not path.is_file():
            hint = nearest(name_or_path, shipped) or f"; known are {', '.join(sorted(shipped))}"
            raise ConfigError(f"no survey {name_or_path!r}: neither one of the package nor a TOML file{hint}")
    return survey_from_table(read_toml(path), where=path)


def read_definition(text: str, *, where: Path) -> Survey:
    """Read a survey from the text of a TOML file that is not written yet.

    Raises:
        ConfigError: It is not TOML, or breaks a rule; one line for each problem.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: not a TOML file: {error}") from error
    return survey_from_table(table, where=where)


def survey_from_table(table: Mapping[str, Any], *, where: Path) -> Survey:
    """Validate a parsed TOML file as a survey.

    Args:
        table: Parsed TOML.
        where: The file that it came from: ``data`` is relative to it, and messages name it.

    Raises:
        ConfigError: One line for each wrong key.
    """
    table = dict(table)
    if isinstance(table.get("data"), str):
        table["data"] = str((where.parent / table["data"]).resolve())
    return parse(Survey, table, where=str(where))


def _with_scale(item: Any, scales: Any, translations: Any) -> Any:  # noqa: ANN401 - raw TOML
    if not isinstance(item, Mapping):
        return item
    name = item.get("options")
    item = with_scales(item, name, translations)
    if not isinstance(name, str):
        return item
    if not isinstance(scales, Mapping) or name not in scales:
        known = scales if isinstance(scales, Mapping) else ()
        raise ValueError(f"item {item.get('id')!r}: no scale is called {name!r}{nearest(name, known)}")
    return {**item, "options": scales[name]}


def _with_missing(part: Any, tables: Any) -> Any:  # noqa: ANN401 - raw TOML
    name = part.get("missing") if isinstance(part, Mapping) else None
    if not isinstance(name, str):
        return part
    if not isinstance(tables, Mapping) or name not in tables:
        known = tables if isinstance(tables, Mapping) else ()
        raise ValueError(f"{part.get('id')!r}: missing_tables has no {name!r}{nearest(name, known)}")
    return {**part, "missing": tables[name]}


def _named(name: str, parts: Iterable[Part], *, what: str) -> Part:
    found = {part.id: part for part in parts}
    if name not in found:
        raise ConfigError(f"{what} {name!r}{nearest(name, found)}")
    return found[name]
