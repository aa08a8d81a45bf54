"""Columns of the score tables, the Parquet files behind every figure of the report.

Rows are keyed by the columns of ``by`` (``model`` and ``steering`` unless told otherwise), then ``country``;
gap slopes, which are over all countries, have ``attribute`` instead.
``country == "(all)"`` is the summary over countries (sums of terms over countries, never a mean of ratios).
Numbers that are not defined are null; ``_low`` and ``_high`` are ends of 95 % intervals.
"""

from __future__ import annotations

from typing import Final

INTERVAL: Final = ("", "_low", "_high")

# One row per item and country.
# `distance` is w1 for ordered items (binary ones among them, where w1 equals tv) and tv for nominal ones.
# `order_effect` is the total variation between the model's answers to options as given and reversed.
MARGINALS: Final = {
    "country": "String",
    "item": "String",
    "domain": "String",
    "type": "String",
    "measure": "String",
    "n_human": "Int64",
    "n_model": "Int64",
    "n_eff_human": "Float64",
    "distance": "Float64",
    "distance_low": "Float64",
    "distance_high": "Float64",
    "distance_floor": "Float64",
    "excess": "Float64",
    "equality_p": "Float64",
    "w1": "Float64",
    "tv": "Float64",
    "cramer2": "Float64",
    "cramer2_u": "Float64",
    "js_dist": "Float64",
    "hellinger": "Float64",
    "mean_shift": "Float64",
    "var_ratio": "Float64",
    "entropy_ratio": "Float64",
    "mode_share": "Float64",
    "collapse": "Boolean",
    "interviews": "Float64",
    "label_mass": "Float64",
    "unseen_mass": "Float64",
    "invalid_rate": "Float64",
    "order_effect": "Float64",
    "human_shares": "List(Float64)",
    "human_low": "List(Float64)",
    "human_high": "List(Float64)",
    "model_shares": "List(Float64)",
}

# One row per country and one for all.  `cramer` is sqrt(max(0, mean cramer2_u)).
AVERAGES: Final = {
    "country": "String",
    "items": "Int64",
    "n_human": "Float64",
    "n_model": "Float64",
    "distance": "Float64",
    "distance_floor": "Float64",
    "cramer": "Float64",
    "cramer_low": "Float64",
    "cramer_high": "Float64",
    "interviews": "Float64",
    "interviews_low": "Float64",
    "interviews_high": "Float64",
    "interviews_censored": "Boolean",
    "label_mass": "Float64",
    "invalid_rate": "Float64",
    "order_effect": "Float64",
    "eta2_human": "Float64",
    "eta2_model": "Float64",
}

# One row per country and one for all.  Interviews are cut off at `n_human` ("more than"), flagged by `_censored`.
STRUCTURE: Final = {
    "country": "String",
    "source": "String",
    "structure_r2": "Float64",
    "structure_r2_low": "Float64",
    "structure_r2_high": "Float64",
    "similarity": "Float64",
    "similarity_low": "Float64",
    "similarity_high": "Float64",
    "constraint": "Float64",
    "constraint_low": "Float64",
    "constraint_high": "Float64",
    "slope": "Float64",
    "slope_low": "Float64",
    "slope_high": "Float64",
    "srmr": "Float64",
    "srmr_low": "Float64",
    "srmr_high": "Float64",
    "interviews": "Float64",
    "interviews_low": "Float64",
    "interviews_high": "Float64",
    "interviews_censored": "Boolean",
    "interviews_independence": "Float64",
    "n_human": "Float64",
    "n_model": "Float64",
    "pairs": "Int64",
    "pairs_estimable": "Int64",
    "degenerate_items": "List(String)",
    "boundary_share": "Float64",
    "profiles": "Int64",
    "permuted_p": "Float64",
    "permuted_r2_q95": "Float64",
    "permuted_similarity_q95": "Float64",
}

# One row per country and pair of items; `model` is null where the model pair is not estimable (it then counts as 0).
PAIRS: Final = {
    "country": "String",
    "item_a": "String",
    "item_b": "String",
    "domain_a": "String",
    "domain_b": "String",
    "human": "Float64",
    "human_low": "Float64",
    "human_high": "Float64",
    "human_status": "String",
    "human_boundary_share": "Float64",
    "model_rho": "Float64",
    "model_low": "Float64",
    "model_high": "Float64",
    "model_status": "String",
    "model_boundary_share": "Float64",
    "difference": "Float64",
    "difference_low": "Float64",
    "difference_high": "Float64",
}

# One row per reference and country (and "(all)"), scored exactly like a model.  References do not depend on `by`.
REFERENCES: Final = {
    "reference": "String",
    "country": "String",
    "other": "String",
    "structure_r2": "Float64",
    "structure_r2_low": "Float64",
    "structure_r2_high": "Float64",
    "similarity": "Float64",
    "similarity_low": "Float64",
    "similarity_high": "Float64",
    "constraint": "Float64",
    "constraint_low": "Float64",
    "constraint_high": "Float64",
    "structure_interviews": "Float64",
    "structure_interviews_censored": "Boolean",
    "cramer": "Float64",
    "cramer_low": "Float64",
    "cramer_high": "Float64",
    "marginal_interviews": "Float64",
    "marginal_interviews_censored": "Boolean",
    "pairs": "Int64",
}

# Human and model difference between one group and the other persons of its country, in human standard deviations.
GAPS: Final = {
    "country": "String",
    "attribute": "String",
    "level": "String",
    "item": "String",
    "human": "Float64",
    "human_low": "Float64",
    "human_high": "Float64",
    "model_gap": "Float64",
    "model_low": "Float64",
    "model_high": "Float64",
}

# One row per attribute, over all countries ("country" is the attribute of the gaps between countries).
# `gaps` counts those that both sides have, without mirror images: of two levels in a country the first one only.
# `clear` counts human gaps whose interval excludes 0, `same_sign` those of them whose model gap has the same sign.
GAP_SLOPES: Final = {
    "attribute": "String",
    "gaps": "Int64",
    "slope": "Float64",
    "slope_low": "Float64",
    "slope_high": "Float64",
    "clear": "Int64",
    "same_sign": "Int64",
}

# Answers that were drawn at least twice per persona: one row per country, source and pair of ordered items with enough
# variation, as correlations; `total` = `between` + `within`.
# The diagonal (item_a = item_b) has the variance of one item: `between` is its intraclass correlation, `total` 1.
# `source` is "drawn", or "exact" from option probabilities, where `within` is null: they say nothing of it.
DECOMPOSITION: Final = {
    "country": "String",
    "source": "String",
    "item_a": "String",
    "item_b": "String",
    "total": "Float64",
    "total_low": "Float64",
    "total_high": "Float64",
    "between": "Float64",
    "between_low": "Float64",
    "between_high": "Float64",
    "within": "Float64",
    "within_low": "Float64",
    "within_high": "Float64",
}

# One row per source and country, and one for all.  `between` and `within` are root mean squares over pairs, and
# `within_square` the mean square behind the latter, all free of sampling noise; `within_p` tests W = 0.
# `presentation` is how items were asked, "" where it is not known.
DECOMPOSITION_SUMMARY: Final = {
    "country": "String",
    "source": "String",
    "presentation": "String",
    "draws": "Int64",
    "personas": "Float64",
    "items": "Int64",
    "pairs": "Int64",
    "icc": "Float64",
    "icc_low": "Float64",
    "icc_high": "Float64",
    "between": "Float64",
    "between_low": "Float64",
    "between_high": "Float64",
    "within": "Float64",
    "within_low": "Float64",
    "within_high": "Float64",
    "within_square": "Float64",
    "within_square_low": "Float64",
    "within_square_high": "Float64",
    "within_p": "Float64",
}

# Between groups of people, one row per model, `part`, `level` and statistic.
# `groups` is "cells" of attributes within countries, or "countries" (which may themselves be groups of people).
# `part` is "all" groups, means of countries ("between_countries"), or cells within countries ("within_countries").
# `level` is "item" or "category" (mean of the items of a domain).
# "pearson" and "rmse" are plug-in values of uncorrected means, without interval.
# `permuted` is the mean over models with permuted group labels, with the limits of the middle 95 %; `permuted_p` tests
# the similarity; `split_half` is one half of the people of each group against the other.
BETWEEN_GROUPS: Final = {
    "groups": "String",
    "part": "String",
    "level": "String",
    "statistic": "String",
    "value": "Float64",
    "low": "Float64",
    "high": "Float64",
    "permuted": "Float64",
    "permuted_low": "Float64",
    "permuted_high": "Float64",
    "permuted_p": "Float64",
    "split_half": "Float64",
    "split_half_low": "Float64",
    "split_half_high": "Float64",
}

# What these scores rest on.  `variables` are the items or categories that enter; `unreliable` (less than half of the
# variance of group means is more than noise), `still` (one mean in all groups) and `few_groups` those that do not,
# because of people, `model_unreliable` those that do not because of the model.
# Pairs with a `model_still` variable count as no structure of the model.
# `fewest_groups` is the smallest number of groups behind a pair, `n_human` and `n_model` persons of the smallest group.
# `permuted_square` is the mean squared correlation of permuted models, about 1 / (n_groups - 1).
# `overlap`: groups share respondents, which intervals ignore.
BETWEEN_SUMMARY: Final = {
    "groups": "String",
    "part": "String",
    "level": "String",
    "n_groups": "Int64",
    "fewest_groups": "Int64",
    "n_human": "Int64",
    "n_model": "Int64",
    "variables": "Int64",
    "unreliable": "List(String)",
    "still": "List(String)",
    "few_groups": "List(String)",
    "model_unreliable": "List(String)",
    "model_still": "List(String)",
    "reliability_human": "Float64",
    "reliability_model": "Float64",
    "pairs": "Int64",
    "pairs_estimable": "Int64",
    "clipped_human": "Int64",
    "clipped_model": "Int64",
    "permuted_square": "Float64",
    "overlap": "Boolean",
}

# Correlations over all groups, one row per model, level and pair of items (or categories) `a` and `b`.
# The diagonal (a = b) has the reliability of one variable and whether it enters.
BETWEEN_PAIRS: Final = {
    "groups": "String",
    "level": "String",
    "a": "String",
    "b": "String",
    "n_groups": "Int64",
    "human": "Float64",
    "human_se": "Float64",
    "model_value": "Float64",
    "model_se": "Float64",
    "human_status": "String",
    "model_status": "String",
}

# Every answer to every item counted once in each breakdown `by`: "all", "item", "country", an attribute of persons, and
# "order", "wording", "language" and "position" where they vary.  `n` of the `of` answers with that `value` ended in
# this status for this reason (null if there is none); the shares of a value sum to 1.
OUTCOMES: Final = {
    "by": "String",
    "value": "String",
    "status": "String",
    "reason": "String",
    "n": "Int64",
    "of": "Int64",
    "share": "Float64",
}

# One row per factor, the strongest of people first.  `share_` is the share of the items' variance that it explains,
# `chance_q95` what shuffled loadings reach, `split_half` one half of the people against the other.
FACTORS: Final = {
    "factor": "Int64",
    "congruence": "Float64",
    "congruence_low": "Float64",
    "congruence_high": "Float64",
    "chance_q95": "Float64",
    "split_half": "Float64",
    "share_human": "Float64",
    "share_model": "Float64",
}

# One row per item and factor: loadings of people (varimax) and of the model (rotated to them).
FACTOR_LOADINGS: Final = {
    "item": "String",
    "domain": "String",
    "factor": "Int64",
    "human": "Float64",
    "model_loading": "Float64",
}

# One row.  `congruence` is the mean over factors, `agreement` the share of items with their largest loading on the same
# factor; `parallel` the number of factors that parallel analysis finds before it is limited.
# `reason` says why there are no factors, and is null where there are.
FACTOR_SUMMARY: Final = {
    "items": "Int64",
    "dropped_items": "List(String)",
    "undefined_pairs": "Int64",
    "parallel": "Int64",
    "factors": "Int64",
    "human_status": "String",
    "model_status": "String",
    "replicates": "Int64",
    "congruence": "Float64",
    "congruence_low": "Float64",
    "congruence_high": "Float64",
    "chance_q95": "Float64",
    "split_half": "Float64",
    "agreement": "Float64",
    "agreement_low": "Float64",
    "agreement_high": "Float64",
    "agreement_chance_q95": "Float64",
    "reason": "String",
}

# One row per country and axis of the culture map of people, in standard deviations of their countries.
CULTURE_MAP: Final = {
    "country": "String",
    "axis": "String",
    "human": "Float64",
    "human_low": "Float64",
    "human_high": "Float64",
    "model_position": "Float64",
    "model_low": "Float64",
    "model_high": "Float64",
}

# One row per axis, and one for both ("(both)"), or one that says for what `reason` there is no map.
# `rmse` is free of sampling noise, `spread` the ratio of standard deviations over countries; `nearest` is the share of
# the model's countries that lie nearest to their own one, `rank` the median place of the own one.
CULTURE_AXES: Final = {
    "axis": "String",
    "countries": "Int64",
    "model_countries": "Int64",
    "indicators": "Int64",
    "explained": "Float64",
    "rmse": "Float64",
    "rmse_low": "Float64",
    "rmse_high": "Float64",
    "congruence": "Float64",
    "congruence_low": "Float64",
    "congruence_high": "Float64",
    "chance_q95": "Float64",
    "rank_correlation": "Float64",
    "rank_correlation_low": "Float64",
    "rank_correlation_high": "Float64",
    "spread": "Float64",
    "spread_low": "Float64",
    "spread_high": "Float64",
    "nearest": "Float64",
    "rank": "Float64",
    "lacking_indicators": "List(String)",
    "left_out_countries": "List(String)",
    "reason": "String",
}

# One row per indicator and axis: its correlation with the axis, and its loading on the model's own axis rotated to it.
# `own_axis` is whether the survey declares it for this axis.
CULTURE_INDICATORS: Final = {
    "indicator": "String",
    "axis": "String",
    "own_axis": "Boolean",
    "human": "Float64",
    "model_loading": "Float64",
}

BOTH_AXES: Final = "(both)"
"""Value of ``axis`` in the row that speaks of both axes of the culture map together."""

REFERENCE_WORDS: Final = {
    "independence": "independent items (A0)",
    "demographics": "demographics-only humans (A1)",
    "split_half": "other half of the same people (A2)",
    "nearest_country": "nearest other country (A3)",
    "other_countries": "other countries, mean (A3)",
}
"""Key of a reference in the tables to its name in words; A6 (permuted profiles) belongs to a model: see STRUCTURE."""
