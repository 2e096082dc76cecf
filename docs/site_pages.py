"""What the site takes from outside of ``docs/``: a hook of mkdocs that turns the READMEs and the examples into pages.

Source: https://www.mkdocs.org/user-guide/configuration/#hooks
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
#: file of the repository -> page of the site
PAGES = {"README.md": "index.md", "README.zh-CN.md": "index.zh-CN.md", "CONTRIBUTING.md": "contributing.md"}
#: where a link of a README leads that names neither a page nor a picture
ELSEWHERE = {"outputs/index.html": "scenarios.md", "examples/": "examples.md", **PAGES}
LINK = re.compile(r"\]\(([^)#:]+)(#[^)]*)?\)")
PICTURE = re.compile(r"outputs/(\w+)/graph\.svg")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made here, and the pictures that they show."""
    pictures: set[str] = set()
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        pictures.update(PICTURE.findall(text))
        files.append(File.generated(config, page, content=LINK.sub(_moved, text)))
    for name in sorted(pictures):
        files.append(File.generated(config, f"pictures/{name}.svg", content=_picture(name)))
    files.append(File.generated(config, "examples.md", content=_examples()))
    return files


def _moved(link: re.Match[str]) -> str:
    """Return a link of the repository as a link of the site."""
    target, anchor = link[1], link[2] or ""
    if picture := PICTURE.fullmatch(target):
        return f"](pictures/{picture[1]}.svg)"
    if target.startswith("docs/"):
        return f"]({target.removeprefix('docs/')}{anchor})"
    if target.startswith("examples/") and target not in ELSEWHERE:
        return f"](examples.md#{Path(target).stem})"
    return f"]({ELSEWHERE[target]}{anchor})"


def _picture(name: str) -> str:
    """Return the picture of a scenario: the gallery's where it was made, else drawn now."""
    made = ROOT / "outputs" / name / "graph.svg"
    if made.is_file():
        return made.read_text(encoding="utf-8")
    from tracer.api import diagnose
    from tracer.commands.scenario import record_scenario
    from tracer.drawing.picture import svg_text

    trace = record_scenario(name, "cpu", None, 0)
    return svg_text(trace, diagnose(trace))


def _examples() -> str:
    """Return a page with every program in ``examples/``."""
    parts = ["# Examples", "", "Whole programs; each is run by the tests.", ""]
    for path in sorted((ROOT / "examples").glob("*")):
        if path.suffix == ".py":
            text = path.read_text(encoding="utf-8")
            first = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0]
            parts += [f"## {path.name} {{ #{path.stem} }}", "", first, "", "```python", text.rstrip(), "```", ""]
        elif path.suffix == ".ipynb":
            told = "A notebook: open it in Jupyter; it lies in the folder `examples/`."
            parts += [f"## {path.name} {{ #{path.stem} }}", "", told, ""]
    return "\n".join(parts)
