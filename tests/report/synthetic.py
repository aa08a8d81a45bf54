"""Made-up comparisons with exactly the columns of the score tables, from a seed; no number here was measured."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import polars as pl

from demoscope.report import FactSection, Respondents, RunFacts, Unanswered, Weighted
from demoscope.schema import ALL
from demoscope.scores.comparison import Comparison
from demoscope.scores.tables import (
    AVERAGES,
    BETWEEN_GROUPS,
    BETWEEN_PAIRS,
    BETWEEN_SUMMARY,
    BOTH_AXES,
    CULTURE_AXES,
    CULTURE_INDICATORS,
    CULTURE_MAP,
    DECOMPOSITION,
    DECOMPOSITION_SUMMARY,
    FACTOR_LOADINGS,
    FACTOR_SUMMARY,
    FACTORS,
    GAP_SLOPES,
    GAPS,
    MARGINALS,
    OUTCOMES,
    PAIRS,
    REFERENCES,
    STRUCTURE,
)
from demoscope.scores.verdict import Verdict
from demoscope.surveys import Demographic, Item, Option, Survey
from demoscope.surveys.culture_map import CultureMap, Indicator

HOSTILE = "</script><img onerror=alert(1) src=x>\"'\u202eevil\u2066"
LONG = "a very long label that goes on and on " * 6
DTYPES: dict[str, Any] = {
    "String": pl.String,
    "Int64": pl.Int64,
    "Float64": pl.Float64,
    "Boolean": pl.Boolean,
    "List(Float64)": pl.List(pl.Float64),
    "List(String)": pl.List(pl.String),
}


@dataclass(frozen=True)
class Plan:
    """What to make up.

    Attributes:
        models, steerings, countries, items: How many of each.
        hostile: Labels that try to break out of the page.
        nulls: Share of values that are null wherever that is allowed.
        gaps, references, pairs: Whether those tables have rows.
        options: Options per item; None = mixed 2 to 7.
        groups: Number of groups of people that are compared; tables between groups have rows from one on.
        draws: Draws per persona; decompositions have rows from two on.
        presentation: How items were asked.
        invalid: Share of answers that are not valid.
        factors: Factors of people; 0 = there are none.
        culture: Whether the survey declares a culture map.
        seed: Of the generator.
    """

    models: int = 1
    steerings: int = 2
    countries: int = 4
    items: int = 10
    hostile: bool = False
    nulls: float = 0.0
    gaps: bool = True
    references: bool = True
    pairs: bool = True
    options: int | None = None
    groups: int = 0
    draws: int = 1
    presentation: str = "single"
    invalid: float = 0.0
    factors: int = 2
    culture: bool = False
    seed: int = 1


PLANS = {
    "usual": Plan(),
    "many_models": Plan(models=3, countries=7),
    "smallest": Plan(steerings=1, countries=1, items=1, pairs=False),
    "one_country": Plan(steerings=1, countries=1),
    "many_items": Plan(steerings=1, countries=4, items=130),
    "many_countries": Plan(countries=40, items=24),
    "hostile": Plan(hostile=True),
    "map": Plan(countries=40, culture=True),
    "no_map": Plan(steerings=1, culture=True, factors=0),
    "hostile_map": Plan(countries=66, culture=True, hostile=True, factors=7),
    "all_null_map": Plan(countries=22, culture=True, nulls=1.0),
    "half_null_map": Plan(countries=25, culture=True, nulls=0.5, factors=12, items=48),
    "half_null": Plan(nulls=0.5),
    "all_null": Plan(nulls=1.0),
    "bare": Plan(steerings=1, gaps=False, references=False),
    "long_scales": Plan(steerings=1, countries=2, items=3, options=120),
    "drawn_twice": Plan(draws=2, invalid=0.1),
    "interviews": Plan(steerings=1, countries=1, draws=3, presentation="interview", invalid=0.3),
    "between_groups": Plan(groups=40),
    "few_groups": Plan(steerings=1, groups=6, items=30, hostile=True, nulls=0.3),
    "hostile_interviews": Plan(hostile=True, draws=2, presentation="battery", invalid=0.2, nulls=0.3),
}

LABELS = (
    "ideology",
    "party",
    "religion matters",
    "attends services",
    "prays",
    "born again",
    "angry about racism",
    "white advantage",
    "fears other races",
    "racial trouble rare",
)
STATES = ("Ohio", "Texas", "Georgia", "California")


def survey(plan: Plan) -> Survey:
    rng = random.Random(plan.seed)
    items = []
    for number in range(plan.items):
        size = plan.options or (2 if number % 6 == 5 else rng.choice([3, 4, 5, 5, 6, 7]))
        label = LABELS[number] if number < len(LABELS) else f"attitude to question {number + 1}"
        words = [
            "Strongly agree",
            "Agree",
            "Neither agree nor disagree",
            "Disagree",
            "Strongly disagree",
            "Several times a day",
            "Never",
        ]
        labels = [words[n] if n < len(words) else f"step {n + 1}" for n in range(size)]
        domain = ("politics", "religion", "race", "trust and security", "economy", "migration")[(number // 4) % 6]
        if plan.hostile:
            label, domain = (HOSTILE, HOSTILE) if number % 3 == 0 else (LONG, " ") if number % 3 == 1 else (" ", LONG)
            labels = [(f"{HOSTILE}{n}", f"{LONG}{n}", " " * (n + 1))[n % 3] for n in range(size)]
        items.append(
            Item(
                id=f"q{number + 1}",
                text=HOSTILE if plan.hostile else f"How do you see {label}?",
                label=label,
                domain=domain,
                type="binary" if size == 2 else "ordinal",
                options=tuple(Option(code=n, label=text) for n, text in enumerate(labels, start=1)),
            )
        )
    axes = ("worldly", "free")
    indicators = tuple(
        Indicator(
            id=f"ind-{item.id}",
            label=item.label,
            axis=axes[n % 2],
            scores={item.id: {code: float(code) for code in item.codes}},
        )
        for n, item in enumerate(items[:6])
    )
    ends = (HOSTILE, LONG) if plan.hostile else ("devout", "worldly")
    return Survey(
        id="made-up",
        title=HOSTILE if plan.hostile else "Made-up survey 2016",
        country_column="state",
        demographics=(
            Demographic(id="sex"),
            Demographic(id="age", label=HOSTILE if plan.hostile else "age"),
            Demographic(id="edu", label="education"),
        ),
        items=tuple(items),
        culture_map=CultureMap(
            title=HOSTILE if plan.hostile else "Map of cultures",
            low={"worldly": ends[0], "free": "bound"},
            high={"worldly": ends[1], "free": "free"},
            indicators=indicators,
        )
        if plan.culture
        else None,
    )


def facts(plan: Plan) -> RunFacts:
    text = HOSTILE if plan.hostile else "SmolLM2-135M-Instruct, revision 7e27bd9"
    return RunFacts(
        title=HOSTILE if plan.hostile else "Made-up people and a made-up model",
        sections=(
            FactSection(
                "Model",
                (
                    ("Name", text),
                    ("Engine", "scripted 1.0"),
                    ("Label mass", "0.98"),
                    ("Cells asked", "480"),
                    ("Seconds", "61"),
                ),
            ),
            FactSection(
                "Survey", (("Citation", "Nobody, Made-up survey, 2016, doi:10.0000/nothing"), ("Licence", "CC0 1.0"))
            ),
            FactSection("Invalid answers", (("ambiguous", "3"),)),
        ),
        files=(("scores/marginals.parquet", "one row per item and country"), (text, text)),
        respondents=respondents(plan),
        warning=HOSTILE if plan.hostile else "",
    )


def respondents(plan: Plan) -> Respondents | None:
    if plan.items == 1:
        return None
    ids = [f"q{number + 1}" for number in range(plan.items)]
    return Respondents(
        notes=(HOSTILE if plan.hostile else "Weights are those of column w.",),
        countries=tuple(
            Weighted(HOSTILE if plan.hostile else f"Country {n}", 1000 + n, 700.5, 0.1, 5.0)
            for n in range(plan.countries)
        ),
        items=tuple(
            Unanswered(item, 1000 * plan.countries, {"dont_know": 12, "not_asked": 1000} if n % 2 else {}, n % 2)
            for n, item in enumerate(ids)
        ),
    )


def comparison(plan: Plan) -> Comparison:
    return _Maker(plan).make()


class _Maker:
    def __init__(self, plan: Plan) -> None:
        self.plan, self.rng, self.survey = plan, random.Random(plan.seed), survey(plan)
        hostile = plan.hostile
        self.countries = [
            HOSTILE if hostile and n == 0 else STATES[n] if n < 4 else f"Country {n + 1}" for n in range(plan.countries)
        ]
        models = [
            f"{HOSTILE}{n}" if hostile else ("SmolLM2-135M", "Model B 7B", "Model C 70B")[n] for n in range(plan.models)
        ]
        steerings = ("unsteered", "persona")[-plan.steerings :]
        self.groups = [{"model": model, "steering": steering} for model in models for steering in steerings]

    def make(self) -> Comparison:
        columns = {
            "marginals": MARGINALS,
            "averages": AVERAGES,
            "structure": STRUCTURE,
            "pairs": PAIRS,
            "gaps": GAPS,
            "gap_slopes": GAP_SLOPES,
            "between_groups": BETWEEN_GROUPS,
            "between_summary": BETWEEN_SUMMARY,
            "between_pairs": BETWEEN_PAIRS,
            "decomposition": DECOMPOSITION,
            "decomposition_summary": DECOMPOSITION_SUMMARY,
            "outcomes": OUTCOMES,
            "factors": FACTORS,
            "factor_loadings": FACTOR_LOADINGS,
            "factor_summary": FACTOR_SUMMARY,
            "culture_map": CULTURE_MAP,
            "culture_axes": CULTURE_AXES,
            "culture_indicators": CULTURE_INDICATORS,
        }
        tables: dict[str, list[dict[str, Any]]] = {name: [] for name in columns}
        humans = {
            (c, a.id, b.id): self.rng.gauss(0.5 if a.domain == b.domain else 0.1, 0.15)
            for c in self.countries
            for a, b in self._pairs()
        }
        self.shares = {(c, i.id): self._shares(len(i.options)) for c in self.countries for i in self.survey.items}
        for number, group in enumerate(self.groups):
            unsteered = group["steering"] == "unsteered"
            for country in self.countries:
                tables["marginals"] += [{**group, **self._marginal(country, item)} for item in self.survey.items]
                if self.plan.pairs:
                    tables["pairs"] += [
                        {**group, **self._pair(country, a, b, humans[country, a.id, b.id], unsteered)}
                        for a, b in self._pairs()
                    ]
                if self.plan.gaps:
                    tables["gaps"] += [{**group, **row} for row in self._gaps(country)]
            if self.plan.gaps:
                tables["gap_slopes"] += [{**group, **row} for row in self._gap_slopes()]
            tables["outcomes"] += [{**group, **row} for row in self._outcomes()]
            for name, rows in self._culture(unsteered).items():
                tables[name] += [{**group, **row} for row in rows]
            if self.plan.draws > 1:
                tables["decomposition"] += [
                    {**group, **self._own(country, item)} for country in self.countries for item in self.survey.items
                ]
                tables["decomposition_summary"] += [
                    {**group, **self._dependence(country, source)}
                    for country in (*self.countries, ALL)
                    for source in ("drawn", "exact")
                ]
            if self.plan.groups:
                for name, rows in self._between(unsteered).items():
                    tables[name] += [{**group, **row} for row in rows]
            for country in (*self.countries, ALL):
                tables["averages"].append({**group, **self._averages(country)})
                tables["structure"].append({**group, **self._structure(country, unsteered, 0.1 + 0.1 * number)})
        keys = {"model": "String", "steering": "String"}
        frames = {name: _frame(rows, {**keys, **columns[name]}) for name, rows in tables.items()}
        references = _frame(self._references() if self.plan.references else [], REFERENCES)
        return Comparison(
            by=("model", "steering"),
            references=references,
            verdicts=tuple(self._verdict(group) for group in self.groups),
            settings={
                "seed": 1,
                "replicates": 1000,
                "design": "matched",
                "source": "exact",
                "countries": self.countries,
                "items": [i.id for i in self.survey.items],
                "attributes": ["sex"],
                "weights": None,
            },
            **frames,
        )

    def _pairs(self) -> list[tuple[Item, Item]]:
        items = self.survey.items
        return [(a, b) for n, a in enumerate(items) for b in items[n + 1 :]]

    def _null(self, value: Any) -> Any:
        return None if self.rng.random() < self.plan.nulls else value

    def _estimate(self, name: str, value: float | None, width: float) -> dict[str, float | None]:
        if value is None or self.rng.random() < self.plan.nulls:
            return dict.fromkeys((name, f"{name}_low", f"{name}_high"))
        ends = {f"{name}_low": self._null(value - width), f"{name}_high": self._null(value + width)}
        return {name: value, **ends}

    def _shares(self, size: int) -> list[float]:
        raw = [self.rng.random() + 0.05 for _ in range(size)]
        return [value / sum(raw) for value in raw]

    def _marginal(self, country: str, item: Item) -> dict[str, Any]:
        human, model = self.shares[country, item.id], self._shares(len(item.options))
        distance = sum(abs(a - b) for a, b in zip(human, model, strict=True)) / 3
        row = dict.fromkeys(MARGINALS)
        return row | {
            "country": country,
            "item": item.id,
            "domain": item.domain,
            "type": item.type,
            "measure": "tv" if item.type == "binary" else "w1",
            "n_human": 590,
            "n_model": 600,
            "n_eff_human": 590.0,
            "distance_floor": self._null(0.02),
            "equality_p": self._null(0.001),
            "collapse": False,
            **self._estimate("distance", distance, 0.02),
            "human_shares": self._null(human),
            "model_shares": self._null(model),
            "human_low": self._null([max(0, v - 0.03) for v in human]),
            "human_high": self._null([v + 0.03 for v in human]),
        }

    def _pair(self, country: str, a: Item, b: Item, human: float, unsteered: bool) -> dict[str, Any]:
        human = max(-0.95, min(0.95, human))
        lost = unsteered or self.rng.random() < 0.05
        model = None if lost else max(-0.95, min(0.95, 0.4 * human + self.rng.gauss(0, 0.1)))
        return {
            "country": country,
            "item_a": a.id,
            "item_b": b.id,
            "domain_a": a.domain,
            "domain_b": b.domain,
            "human_status": "ok",
            "human_boundary_share": 0.0,
            "model_status": "degenerate" if lost else "ok",
            "model_boundary_share": 0.0,
            **self._estimate("human", human, 0.07),
            "model_rho": model,
            "model_low": None if model is None else model - 0.05,
            "model_high": None if model is None else model + 0.05,
            **self._estimate("difference", (model or 0) - human, 0.09),
        }

    def _gaps(self, country: str) -> list[dict[str, Any]]:
        levels = {
            "sex": ("man", "woman"),
            "age": ("18-34", "35-54", "55 or over"),
            "edu": ("college", HOSTILE if self.plan.hostile else "no college"),
        }
        rows = []
        for attribute, words in levels.items():
            for level in words:
                for item in self.survey.items:
                    model = self._estimate("model", self.rng.gauss(0, 0.3), 0.05)
                    model["model_gap"] = model.pop("model")
                    row = {"country": country, "attribute": attribute, "level": level, "item": item.id}
                    rows.append(row | self._estimate("human", self.rng.gauss(0, 0.25), 0.16) | model)
        return rows

    def _gap_slopes(self) -> list[dict[str, Any]]:
        return [
            {
                "attribute": attribute,
                "gaps": sides * len(self.countries) * self.plan.items,
                **self._estimate("slope", None if attribute == "edu" else 0.4, 0.15),
                "clear": 7,
                "same_sign": 5,
            }
            for attribute, sides in (("sex", 1), ("age", 3), ("edu", 1))
        ]

    def _own(self, country: str, item: Item) -> dict[str, Any]:
        return {
            "country": country,
            "source": "drawn",
            "item_a": item.id,
            "item_b": item.id,
            "total": 1.0,
            **self._estimate("between", 0.3, 0.1),
            **self._estimate("within", 0.7, 0.1),
        }

    def _dependence(self, country: str, source: str) -> dict[str, Any]:
        together = self.plan.presentation != "single"
        row = {
            "country": country,
            "source": source,
            "presentation": self.plan.presentation,
            "personas": 150.0,
            "items": 10,
            "pairs": 45,
            **self._estimate("icc", 0.3, 0.05),
            **self._estimate("between", 0.12, 0.03),
        }
        if source == "drawn":
            row |= {
                "draws": self.plan.draws,
                "within_p": self._null(0.001 if together else 0.4),
                **self._estimate("within", 0.25 if together else 0.0, 0.04),
                **self._estimate("within_square", 0.06 if together else 0.0, 0.01),
            }
        return row

    def _between(self, unsteered: bool) -> dict[str, list[dict[str, Any]]]:
        scores: list[dict[str, Any]] = []
        summaries: list[dict[str, Any]] = []
        pairs: list[dict[str, Any]] = []
        kind = "cells" if self.plan.groups >= 30 else "countries"
        domains = dict.fromkeys(item.domain for item in self.survey.items)
        levels = {"item": [item.id for item in self.survey.items], "category": list(domains)}
        for part in ("all", "between_countries", "within_countries") if kind == "cells" else ("all",):
            for level, variables in levels.items():
                key = {"groups": kind, "part": part, "level": level}
                of = len(variables) * (len(variables) - 1) // 2
                summaries.append(key | self._between_summary(of, len(variables), unsteered))
                scores += [key | row for row in self._between_scores(unsteered)]
        for level, variables in levels.items():
            for n, a in enumerate(variables):
                pairs += [
                    {"groups": kind, "level": level, "a": a, "b": b, "n_groups": self.plan.groups}
                    | {"human": 0.4, "model_value": self._null(None if unsteered else 0.3)}
                    | {"human_status": "ok", "model_status": "ok"}
                    for b in variables[n:]
                ]
        return {"between_groups": scores, "between_summary": summaries, "between_pairs": pairs}

    def _between_summary(self, pairs: int, variables: int, unsteered: bool) -> dict[str, Any]:
        return {
            "n_groups": self.plan.groups,
            "fewest_groups": self.plan.groups,
            "n_human": 31,
            "n_model": 30,
            "variables": variables - 2,
            "unreliable": ["q1"],
            "still": [],
            "few_groups": ["q2"],
            "model_unreliable": [],
            "model_still": [item.id for item in self.survey.items] if unsteered else [],
            "reliability_human": self._null(0.83),
            "reliability_model": self._null(None if unsteered else 1.0),
            "pairs": pairs,
            "pairs_estimable": 0 if unsteered else pairs,
            "clipped_human": 1 if self.plan.groups < 30 else 0,
            "clipped_model": 0,
            "permuted_square": 1 / (self.plan.groups - 1),
            "overlap": self.plan.groups < 30,
        }

    def _between_scores(self, unsteered: bool) -> list[dict[str, Any]]:
        rows = []
        for name, value in (
            ("structure_r2", 0.6),
            ("similarity", 0.8),
            ("constraint", 0.7),
            ("slope", 0.55),
            ("srmr", 0.2),
            ("pearson", 0.75),
            ("rmse", 0.25),
        ):
            undefined = unsteered and name in ("similarity", "pearson", "rmse")
            row = self._estimate("value", None if undefined else 0.0 if unsteered else value, 0.1)
            ends = {"value_low": "low", "value_high": "high"}
            row = {ends.get(column, column): number for column, number in row.items()}
            if name in ("pearson", "rmse"):
                row |= {"low": None, "high": None}
            row |= self._estimate("permuted", None if undefined else 0.0, 0.3)
            row |= self._estimate("split_half", 1.0, 0.05)
            row["permuted_p"] = self._null(0.004) if name == "similarity" and not unsteered else None
            rows.append({"statistic": name} | row)
        return rows

    def _outcomes(self) -> list[dict[str, Any]]:
        values = {
            "all": ["all"],
            "item": [item.id for item in self.survey.items],
            "country": self.countries,
            "sex": ["man", "woman", None],
            "edu": ["college", HOSTILE if self.plan.hostile else "no college"],
            "position": ["0", "1"] if self.plan.presentation != "single" else [],
        }
        rows = []
        for by, names in values.items():
            for name in names:
                lost = round(600 * self.plan.invalid * self.rng.random())
                found = [
                    ("valid", None, 600 - lost),
                    ("refusal", None, lost // 2),
                    ("invalid", "ambiguous", -(-lost // 2)),
                ]
                rows += [
                    {"by": by, "value": name, "status": status, "reason": reason, "n": n, "of": 600, "share": n / 600}
                    for status, reason, n in found
                    if n
                ]
        return rows

    def _culture(self, unsteered: bool) -> dict[str, list[dict[str, Any]]]:
        found = self._factors(unsteered)
        if not self.plan.culture:
            return found
        if self.plan.countries < 20:
            reason = f"the map needs 20 countries, here are {self.plan.countries}"
            return found | {"culture_axes": [{"axis": BOTH_AXES, "reason": reason}]}
        declared = self.survey.culture_map
        assert declared is not None
        places = []
        for country in self.countries[1:]:
            for axis in declared.axes:
                human = self.rng.gauss(0, 1)
                model = self._estimate("model", 0.4 * human + self.rng.gauss(0.3, 0.3), 0.1)
                model["model_position"] = model.pop("model")
                places.append({"country": country, "axis": axis, **self._estimate("human", human, 0.1), **model})
        scores = [
            {
                "axis": axis,
                "indicators": 3,
                **self._estimate("rmse", 0.7, 0.1),
                **self._estimate("congruence", None if unsteered else 0.9, 0.04),
                "chance_q95": self._null(None if unsteered else 0.8),
                **self._estimate("rank_correlation", 0.6, 0.1),
                **self._estimate("spread", 0.4, 0.05),
            }
            for axis in declared.axes
        ]
        both = {
            "axis": BOTH_AXES,
            "countries": len(self.countries) - 1,
            "model_countries": len(self.countries) - 1,
            "indicators": 6,
            **self._estimate("rmse", 0.75, 0.1),
            "nearest": self._null(0.2),
            "rank": self._null(6.0),
            "lacking_indicators": [declared.indicators[0].id],
            "left_out_countries": [self.countries[0]],
        }
        loadings = [
            {
                "indicator": one.id,
                "axis": axis,
                "own_axis": one.axis == axis,
                "human": 0.8 if one.axis == axis else 0.1,
                "model_loading": None if unsteered else self._null(0.5),
            }
            for one in declared.indicators
            for axis in declared.axes
        ]
        return found | {"culture_map": places, "culture_axes": [*scores, both], "culture_indicators": loadings}

    def _factors(self, unsteered: bool) -> dict[str, list[dict[str, Any]]]:
        size, count = self.plan.items, self.plan.factors
        if size < 6 or not count:
            reason = f"factors need at least 6 items whose correlations are defined, here are {size}"
            if size >= 6:
                reason = "there is no factor"
            return {"factor_summary": [{"items": size, "dropped_items": [], "reason": reason}]}
        of_factors = [
            {
                "factor": f + 1,
                **self._estimate("congruence", None if unsteered else 0.9 - 0.05 * f, 0.04),
                "chance_q95": self._null(None if unsteered else 0.5),
                "split_half": self._null(0.98),
                "share_human": 0.2,
                "share_model": 0.0 if unsteered else 0.3,
            }
            for f in range(count)
        ]
        loadings = [
            {
                "item": item.id,
                "domain": item.domain,
                "factor": f + 1,
                "human": (0.7 if (n // 4) % count == f else 0.0) + self.rng.gauss(0, 0.1),
                "model_loading": 0.0 if unsteered else (0.5 if (n // 4) % count == f else 0.0),
            }
            for n, item in enumerate(self.survey.items)
            for f in range(count)
        ]
        summary = {
            "items": size,
            "dropped_items": ["q1"],
            "undefined_pairs": 3,
            "parallel": count + 1,
            "factors": count,
            "human_status": "ok",
            "model_status": "no_structure" if unsteered else "heywood",
            "replicates": 200,
            **self._estimate("congruence", None if unsteered else 0.88, 0.03),
            "chance_q95": self._null(None if unsteered else 0.48),
            "split_half": self._null(0.98),
            **self._estimate("agreement", 0.0 if unsteered else 0.8, 0.1),
            "agreement_chance_q95": self._null(0.4),
        }
        return {"factors": of_factors, "factor_loadings": loadings, "factor_summary": [summary]}

    def _averages(self, country: str) -> dict[str, Any]:
        return {
            "country": country,
            "items": self.plan.items,
            "n_human": 600.0,
            "n_model": 600.0,
            "distance": self._null(0.17),
            "distance_floor": self._null(0.02),
            **self._estimate("cramer", 0.19, 0.02),
            **self._estimate("interviews", 6.3, 1.1),
            "interviews_censored": False,
            "label_mass": self._null(0.98),
            "order_effect": self._null(0.23),
            "invalid_rate": self._null(0.004),
            "eta2_human": self._null(0.04),
            "eta2_model": self._null(0.61),
        }

    def _structure(self, country: str, unsteered: bool, level: float) -> dict[str, Any]:
        level += self.rng.gauss(0, 0.08 if country != ALL else 0)
        row = dict.fromkeys(STRUCTURE) | {
            "country": country,
            "source": "exact",
            **self._estimate("structure_r2", 0.0 if unsteered else level, 0.12),
            **self._estimate("similarity", None if unsteered else 0.45 + level, 0.15),
            **self._estimate("constraint", 0.0 if unsteered else 0.6 + level, 0.2),
            **self._estimate("slope", 0.4, 0.1),
            **self._estimate("srmr", 0.2, 0.02),
            **self._estimate("interviews", 21.0, 6.0),
            "interviews_censored": country == "Texas",
            "interviews_independence": self._null(17.0),
            "n_human": 600.0,
            "n_model": 600.0,
            "pairs": 45,
            "pairs_estimable": 0 if unsteered else 43,
            "degenerate_items": ["q1", "q2"] if country == "Ohio" else [],
            "boundary_share": 0.0,
            "profiles": 12,
        }
        if not unsteered:
            row |= {
                "permuted_p": self._null(0.012),
                "permuted_r2_q95": self._null(0.05),
                "permuted_similarity_q95": self._null(0.2),
            }
        return row

    def _references(self) -> list[dict[str, Any]]:
        rows = []
        for name, r2, similarity, constraint in (
            ("independence", 0.0, None, 0.03),
            ("demographics", 0.1, 0.8, 0.15),
            ("split_half", 1.0, 1.0, 1.0),
            ("nearest_country", 0.93, 0.98, 0.97),
            ("other_countries", 0.88, 0.95, 1.02),
        ):
            if "countr" in name and self.plan.countries == 1:
                continue
            for country in (*self.countries, ALL):
                cramer = None if name in ("independence", "demographics") else 0.05
                rows.append(
                    {
                        "reference": name,
                        "country": country,
                        "other": "Texas" if "countr" in name else "",
                        **self._estimate("structure_r2", r2, 0.05),
                        **self._estimate("similarity", similarity, 0.04),
                        **self._estimate("constraint", constraint, 0.06),
                        "structure_interviews": self._null(300.0),
                        "structure_interviews_censored": name == "split_half",
                        **self._estimate("cramer", cramer, 0.01),
                        "marginal_interviews": None if cramer is None else 90.0,
                        "marginal_interviews_censored": False,
                        "pairs": 45,
                    }
                )
        return rows

    def _verdict(self, group: dict[str, str]) -> Verdict:
        return Verdict(
            group=group,
            headline="worth 6 interviews on averages, 21 on how opinions go together",
            marginals="Averages: the distance per item is 0.17 of the scale (a perfect model would show 0.02).",
            structure="Structure: structure R2 is 0.21 [0.09, 0.33] where 0 is independent items.",
            conditional=(
                HOSTILE
                if self.plan.hostile
                else "Items were asked one at a time: answers of one persona are independent.",
                "Intervals are conditional on this exact prompt; other wordings and orders were not resampled.",
            ),
        )


def _frame(rows: list[dict[str, Any]], columns: dict[str, str]) -> pl.DataFrame:
    """Exactly the columns of a table; what was not made up is null."""
    assert not {name for row in rows for name in row} - set(columns)
    return pl.DataFrame(
        [pl.Series(name, [row.get(name) for row in rows], dtype=DTYPES[kind]) for name, kind in columns.items()]
    )
