"""The manifest of a run: what would have to be the same for the numbers to be the same."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from demoscope import __version__
from demoscope.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demoscope.config import RunConfig
    from demoscope.runs.asked import Asked
    from demoscope.surveys import Survey

SCHEMA_VERSION = 1


def recorded_facts(path: Path, *, name: str, revision: str) -> dict[str, str]:
    """What an earlier manifest of the run tells of a model: an engine that asks nothing has no device to name.

    Returns:
        Nothing where there is no such manifest or model.
    """
    if not path.exists():
        return {}
    try:
        models = json.loads(path.read_text(encoding="utf-8"))["models"]
        return next((m["facts"] for m in models if (m["name"], m["revision"]) == (name, revision)), {})
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: damaged ({error}); move it away, the same command writes it again") from error


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
            {
                "name": model.settings.name,
                "engine": model.settings.engine,
                "revision": model.revision,
                "facts": model.facts,
            }
            for model in asked
        ],
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
    }
