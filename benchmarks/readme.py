"""``python -m benchmarks.readme``: write the table of ``results.json`` into both READMEs, between its two marks."""

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


#: file -> what its table says for "watched by"
READMES = {"README.md": "watched by", "README.zh-CN.md": "观察方式"}


def main() -> None:
    """Write the table into each README."""
    results = json.loads(RESULTS.read_text())
    for name, heading in READMES.items():
        made = f"{START}\n{table(results)}\n{END}".replace("| watched by |", f"| {heading} |")
        old = (ROOT / name).read_text(encoding="utf-8")
        text, count = re.subn(f"{re.escape(START)}.*?{re.escape(END)}", lambda _, made=made: made, old, flags=re.DOTALL)
        if not count:
            raise SystemExit(f"{name} has no line {START}")
        (ROOT / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
