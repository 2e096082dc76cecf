"""What a merge needs of one rank, in a small file beside its trace: ``rank.json``.

A job of a thousand ranks is merged from these without reading a thousand traces.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tracer.errors import TraceFileError

SCHEMA = "tracer.rank/2"  #: 2: shapes, and the stages of a pipeline
FILE_NAME = "rank.json"
#: The ranks of a machine, or of an earlier merge, in short: see ``tracer.diagnosis.rank_groups``.
GROUP_SCHEMA = "tracer.ranks/1"
GROUP_NAME = "ranks.json"


@dataclass(frozen=True, slots=True)
class RankRow:
    """One parameter as one rank saw it."""

    name: str
    model: str
    verdict: str
    severity: str
    requires_grad: bool
    accumulated: int  #: backwards of this rank that accumulated into ``.grad``
    changed: bool | None
    digest: int | None = None  #: of the value after the last step; None when sharded or not taken
    written: tuple[str, int] | None = None  #: file and line of the last change outside any optimizer
    shape: tuple[int, ...] = ()  #: of the whole tensor


@dataclass(frozen=True, slots=True)
class RankSummary:
    """One rank in short."""

    rank: int
    world_size: int
    steps: int
    backwards: int
    program: str
    rows: tuple[RankRow, ...]
    combined: tuple[tuple[int, int], ...] = ()  #: (step, digest over all parameters), in order
    unwell: tuple[dict[str, Any], ...] = ()  #: rows of the report that are not "ok", whole, as plain values
    findings: tuple[dict[str, Any], ...] = ()  #: with names in the place of keys
    notes: tuple[str, ...] = ()
    finished: bool = True
    error: str = ""  #: the exception that ended the program, if one did
    #: (model of the rows, stage, stages) where this rank runs stages of a pipeline
    stages: tuple[tuple[str, int, int], ...] = ()


def dump(summary: RankSummary) -> str:
    """Return the text of a ``rank.json``: rows as columns, to keep it small."""
    plain = asdict(summary)
    rows = plain.pop("rows")
    columns = {field: [row[field] for row in rows] for field in RankRow.__slots__}
    return json.dumps({"schema": SCHEMA, **plain, "columns": columns}, ensure_ascii=False) + "\n"


def _row(values: tuple[Any, ...]) -> RankRow:
    given = dict(zip(RankRow.__slots__, values, strict=True))
    if given["written"] is not None:
        file, line = given["written"]
        given["written"] = (str(file), int(line))
    given["shape"] = tuple(map(int, given["shape"]))
    return RankRow(**given)


def read(path: Path) -> RankSummary:
    """Read a ``rank.json``.

    Raises:
        TraceFileError: when it is not there, damaged, or no such file.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        if found.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        columns = found.pop("columns")
        rows = tuple(_row(values) for values in zip(*(columns[field] for field in RankRow.__slots__), strict=True))
        lists: Any = {key: tuple(found.pop(key)) for key in ("unwell", "findings", "notes")}
        combined = tuple((int(step), int(mark)) for step, mark in found.pop("combined"))
        stages = tuple((str(model), int(stage), int(of)) for model, stage, of in found.pop("stages"))
        return RankSummary(rows=rows, combined=combined, stages=stages, **lists, **found)
    except OSError as error:
        raise TraceFileError(f"cannot read {path}: {error.strerror}.", "Give the folder of a rank.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TraceFileError(f"{path} is no summary of a rank, or a damaged one.", "Merge from its trace.") from error


def read_group(path: Path) -> dict[str, Any]:
    """Read the plain values of a group of ranks.

    Raises:
        TraceFileError: when it is not there, damaged, or no such file.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if found.pop("schema") != GROUP_SCHEMA:
            raise ValueError("another schema")
        return found
    except OSError as error:
        raise TraceFileError(f"cannot read {path}: {error.strerror}.", "Give the folder of a merge.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TraceFileError(f"{path} is no summary of ranks, or a damaged one.", "Merge its ranks again.") from error


def dump_group(plain: dict[str, Any]) -> str:
    """Return the text of a file for a group of ranks."""
    return json.dumps({"schema": GROUP_SCHEMA, **plain}, ensure_ascii=False, separators=(",", ":")) + "\n"
