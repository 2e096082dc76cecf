"""``python -m benchmarks.readme``: write the table of ``results.json`` into the README, between its two marks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results.json"
START, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"


def table(results: dict[str, Any]) -> str:
    """Return a Markdown table: a row per watcher, a column per workload, ratios to the untraced step."""
    workloads = results["workloads"]
    watchers = dict.fromkeys(name for found in workloads.values() for name in found)
    lines = [
        "| watched by | " + " | ".join(workloads) + " |",
        "|---|" + "---|" * len(workloads),
    ]
    for name in watchers:
        cells = [_cell(found.get(name)) for found in workloads.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "not measured"
    if "failure" in entry:
        return entry["failure"].partition(":")[0]
    return f"{entry['step_s'] * 1000:.0f} ms" if entry["ratio"] == 1.0 else f"{entry['ratio']:.2f}x"


def main() -> None:
    """Write the table."""
    readme = ROOT / "README.md"
    results = json.loads(RESULTS.read_text())
    text, count = re.subn(
        f"{re.escape(START)}.*?{re.escape(END)}",
        lambda _: f"{START}\n{table(results)}\n{END}",
        readme.read_text(),
        flags=re.DOTALL,
    )
    if not count:
        raise SystemExit(f"README.md has no line {START}")
    readme.write_text(text)


if __name__ == "__main__":
    main()
