"""Defaults from ``[tool.tracer]`` of the nearest ``pyproject.toml``, and from ``TRACER_...`` in the environment.

What is given on the command line counts first, then the environment, then the file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracer.errors import UsageError

#: Key in the file -> parameter of the commands. ``TRACER_FAIL_ON`` in the environment is ``fail-on``.
OPTIONS = {
    "format": "formats",
    "fail-on": "fail_on",
    "out": "out",
    "detail": "detail",
    "color": "color",
    "engine": "engine",
    "depth": "depth",
    "quiet": "quiet",
    "values": "values",
    "source": "source",
    "every": "every",
    "first": "first",
}
_TABLES = ("set", "ignore")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What was found: defaults by parameter name, thresholds, ignores as written, and where it stood."""

    defaults: Mapping[str, Any]
    settings: Mapping[str, object]
    ignores: tuple[Mapping[str, Any], ...]
    file: Path | None = None


def read_configuration(start: Path, environment: Mapping[str, str] = os.environ) -> Configuration:
    """Return the configuration that holds in a folder.

    Raises:
        UsageError: for a file that is no TOML, and for a key or value that means nothing.
    """
    file, table = _nearest(start)
    defaults = {OPTIONS[key]: _plain(key, value, file) for key, value in table.items() if key in OPTIONS}
    _check(table, file)
    for key, name in OPTIONS.items():
        text = environment.get(f"TRACER_{key.upper().replace('-', '_')}")
        if text:
            defaults[name] = text
    return Configuration(defaults, table.get("set", {}), tuple(table.get("ignore", ())), file)


def _nearest(start: Path) -> tuple[Path | None, dict[str, Any]]:
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            table = _read(file).get("tool", {}).get("tracer")
            if isinstance(table, dict):
                return file, table
    return None, {}


def _read(file: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.", "Mend the file.", "configuration") from None


def _plain(key: str, value: Any, file: Path | None) -> Any:
    if isinstance(value, list) and key == "format":
        value = ",".join(map(str, value))
    if not isinstance(value, str | int | bool):
        raise UsageError(f"{file} sets {key} to {value!r}.", "Give a text, a number, true or false.", "configuration")
    return value


def _check(table: Mapping[str, Any], file: Path | None) -> None:
    unknown = [key for key in table if key not in OPTIONS and key not in _TABLES]
    if unknown:
        raise UsageError(
            f"{file} has {unknown[0]!r} in [tool.tracer], which means nothing.",
            f"There are: {', '.join((*OPTIONS, *_TABLES))}.",
            "configuration",
        )
    if not isinstance(table.get("set", {}), dict):
        raise UsageError(f"{file}: set is no table.", "Write [tool.tracer.set].", "configuration")
    ignores = table.get("ignore", [])
    if not isinstance(ignores, list) or not all(isinstance(entry, dict) for entry in ignores):
        raise UsageError(f"{file}: ignore is no list of tables.", "Write [[tool.tracer.ignore]].", "configuration")
