"""Measurements as a table on the terminal, and as JSON."""

from __future__ import annotations

import os
import platform
from statistics import median
from typing import Any

from rich.table import Table

from benchmarks.timing import Timings

Memory = dict[str, float] | None


def rows(timings: dict[str, Timings], memory: dict[str, Memory]) -> dict[str, Any]:
    """Return one entry per watcher: seconds, ratios to the untraced step, MiB."""
    base = timings["untraced"]
    plain = memory.get("untraced")
    found: dict[str, Any] = {}
    for name, timing in timings.items():
        if timing.failure:
            found[name] = {"failure": timing.failure}
            continue
        entry = {
            "step_s": round(timing.step(), 5),
            "ratio": round(timing.step() / base.step(), 3),
            "first_ratio": round(median(timing.first) / base.step(), 3),
            "early_ratio": round(median(timing.early or timing.first) / base.step(), 3),
            "steps": len(timing.later or timing.early),
        }
        taken = memory.get(name)
        if taken is not None:
            entry["peak_mib"] = taken["step"]
            if plain is not None:
                entry["extra_share"] = round((taken["step"] - plain["step"]) / plain["step"], 3)
        found[name] = entry
    return found


def table(workload: str, title: str, found: dict[str, Any]) -> Table:
    """Return a table of one workload."""
    view = Table(title=f"{workload}: {title}", title_justify="left")
    for heading in ("watched by", "step", "x untraced", "steps 2-10", "first step", "peak memory", "extra"):
        view.add_column(heading, justify="left" if heading == "watched by" else "right")
    for name, entry in found.items():
        if "failure" in entry:
            view.add_row(name, "-", entry["failure"], "", "", "", "")
            continue
        memory = f"{entry['peak_mib']:.0f} MiB" if "peak_mib" in entry else ""
        extra = f"{entry['extra_share']:+.1%}" if "extra_share" in entry else ""
        view.add_row(
            name,
            f"{entry['step_s'] * 1000:.1f} ms",
            f"{entry['ratio']:.3f}",
            f"{entry['early_ratio']:.3f}",
            f"{entry['first_ratio']:.3f}",
            memory,
            extra,
        )
    return view


def machine() -> dict[str, Any]:
    """Return what the numbers were measured on."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:
            model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    return {"cpu": model, "cores": os.cpu_count(), "system": platform.platform()}
