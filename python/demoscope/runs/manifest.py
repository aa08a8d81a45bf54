"""The manifest of a run: what would have to be the same for the numbers to be the same."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from demoscope import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demoscope.config import RunConfig
    from demoscope.runs.asked import Asked
    from demoscope.surveys import Survey

SCHEMA_VERSION = 1


def manifest(
    config: RunConfig, survey: Survey, asked: Sequence[Asked], *, answers_hash: str, files: Sequence[Path]
) -> dict[str, Any]:
    """Versions, seeds and hashes.

    Args:
        config: Settings.
        survey: The survey.
        asked: The models.
        answers_hash: Hash of the content of all asked cells.
        files: Files that the run wrote; the manifest has their SHA-256.
    """
    return {
        "schema": SCHEMA_VERSION,
        "demoscope": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": {name: version(name) for name in ("numpy", "polars")},
        "seed": config.seed,
        "survey": survey.id,
        "survey_sha256": hashlib.sha256(survey.model_dump_json().encode()).hexdigest(),
        "answers_hash": answers_hash,
        "models": [
            {"name": model.settings.name, "engine": model.settings.engine, "revision": model.revision, **model.facts}
            for model in asked
        ],
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
    }
