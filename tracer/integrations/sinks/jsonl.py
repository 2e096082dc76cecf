"""Samples to a file, one JSON object a line, written through at once."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

from tracer.integrations.samples import Sample


class JsonlSink:
    """Appends to a file; NaN and Inf become the strings "nan", "inf" and "-inf", which JSON has no numbers for."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - closed by close()

    def write(self, sample: Sample) -> None:
        row = asdict(sample)
        for table in ("grad_norm", "update_ratio"):
            row[table] = {name: value if math.isfinite(value) else str(value) for name, value in row[table].items()}
        self._file.write(json.dumps(row, allow_nan=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()
