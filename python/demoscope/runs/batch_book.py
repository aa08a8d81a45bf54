"""What is known of the batches of a run folder, so that none is paid twice and none forgotten."""

from __future__ import annotations

import os
import time
import uuid
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import Field, ValidationError

from demoscope.config import Settings
from demoscope.errors import StoreError
from demoscope.responses.disk import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

State: TypeAlias = Literal["intended", "creating", "submitted", "collected"]


class Record(Settings):
    """One batch.

    Attributes:
        id: Our name of it, which the server keeps in its metadata.
        model: Name of the model that is asked.
        state: ``"intended"`` while its file is on its way; ``"creating"`` from before the server is asked to make it
            until it is known that it did; ``"submitted"`` until its answers are in the store.
        requests: Number of cells.
        since: When it got to this state, in seconds since 1970.
        file_id: The server's name of its file.
        batch_id: The server's name of it.
        status: What the server said last.
        counts: What has become of its cells, once it is collected.
    """

    id: str
    model: str
    state: State
    requests: int
    since: float
    file_id: str | None = None
    batch_id: str | None = None
    status: str | None = None
    counts: dict[str, int] = Field(default_factory=dict)


class _Page(Settings):
    format: Literal["demoscope-batches-1"] = "demoscope-batches-1"
    batches: tuple[Record, ...] = ()


class BatchBook:
    """``batches.json`` of a run folder, and beside it the keys of the cells of every open batch.

    Whoever writes holds the lock of the store.

    Args:
        folder: The run folder.

    Raises:
        StoreError: The file is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "batches.json"
        self.folder = folder / "batches"
        try:
            page = _Page.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            page = _Page()
        except (OSError, ValidationError) as error:
            raise StoreError(f"{self.path}: not a list of batches: {error}") from error
        self._records = {record.id: record for record in page.batches}

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def records(self, *states: State, model: str | None = None) -> list[Record]:
        """The batches in some states, the oldest first."""
        return [
            record
            for record in self._records.values()
            if record.state in states and (model is None or record.model == model)
        ]

    def intend(self, *, model: str, keys: Iterable[str], name: str) -> Record:
        """Note a batch before anything of it is sent.

        Args:
            model: Name of the model.
            keys: Of its cells.
            name: From :meth:`new_name`.
        """
        listed = list(keys)
        self._write(self._keys(name), "".join(f"{key}\n" for key in listed))
        record = Record(id=name, model=model, state="intended", requests=len(listed), since=time.time())
        self._records[name] = record
        self._save()
        return record

    def note(self, record: Record, **changes: object) -> Record:
        """Change a record; on disk when this returns."""
        if changes.get("state", record.state) != record.state:
            changes["since"] = time.time()
        changed = record.model_copy(update=changes)
        self._records[record.id] = changed
        self._save()
        if changed.state == "collected":
            self._keys(record.id).unlink(missing_ok=True)
        return changed

    def drop(self, record: Record) -> None:
        """Forget a batch that the server has not made; its cells are free."""
        del self._records[record.id]
        self._save()
        self._keys(record.id).unlink(missing_ok=True)

    def keys(self, record: Record) -> list[str]:
        """Keys of the cells of an open batch.

        Raises:
            StoreError: Their file is gone or damaged.
        """
        path = self._keys(record.id)
        try:
            found = path.read_text(encoding="ascii").split()
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: cannot be read: {error}") from error
        if len(found) != record.requests:
            raise StoreError(f"{path}: {len(found)} keys, expected {record.requests}")
        return found

    def taken(self) -> set[str]:
        """Keys of all cells whose answers are on their way."""
        return {key for record in self.records("intended", "creating", "submitted") for key in self.keys(record)}

    def new_name(self) -> str:
        """A name that no batch has, here or elsewhere."""
        return uuid.uuid4().hex

    def draft(self, name: str) -> Path:
        """Where a file may lie while it is needed; see :meth:`tidy`."""
        self.folder.mkdir(exist_ok=True)
        return self.folder / f"{name}.draft"

    def tidy(self) -> None:
        """Remove what a kill left behind."""
        known = {self._keys(record.id) for record in self.records("intended", "creating", "submitted")}
        for path in self.folder.glob("*"):
            if path.suffix in {".draft", ".new", ".keys"} and path not in known:
                path.unlink()

    def _keys(self, name: str) -> Path:
        return self.folder / f"{name}.keys"

    def _save(self) -> None:
        page = _Page(batches=tuple(self._records.values()))
        self._write(self.path, page.model_dump_json(indent=2, exclude_none=True) + "\n")

    def _write(self, path: Path, text: str) -> None:
        """Replace a file in one step; it is on disk when this returns."""
        draft = path.with_name(f".{path.name}.new")
        try:
            path.parent.mkdir(exist_ok=True)
            with draft.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror}") from error
