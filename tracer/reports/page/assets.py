"""Templates, styles and scripts of the page, and the policy that lets only these scripts run."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from tracer.reports.words import clean, number

if TYPE_CHECKING:
    from jinja2 import Environment


@lru_cache(maxsize=32)
def asset(name: str) -> str:
    """Return the text of a file in ``templates/``."""
    return resources.files("tracer.reports").joinpath("templates", name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the Jinja2 environment: autoescape on, an unknown name is an error."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    found = Environment(
        loader=FunctionLoader(asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(clean=clean, number=number, embed=embed)
    return found


def fill(template: str, scripts: Iterable[str], allowed: Iterable[str] = (), **values: Any) -> str:
    """Return a filled template whose only scripts are ours.

    Args:
        scripts: names of scripts in ``templates/``, in order.
        allowed: hashes of further scripts that these may add.
    """
    texts = [asset(name) for name in scripts]
    sources = [script_hash(text) for text in texts] + list(allowed)
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"script-src {' '.join(sources) or chr(39) + 'none' + chr(39)}"
    )
    given = {"style": asset("report.css"), "scripts": texts, "policy": policy, **values}
    return environment().get_template(template).render(given)


def script_hash(text: str) -> str:
    """Return the source expression that allows one inline script.

    Source: https://www.w3.org/TR/CSP3/#match-element-to-source-list
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def embed(value: Any) -> str:
    """Return JSON that can stand in a data block: no text in it can end the block."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
