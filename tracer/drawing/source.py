"""What ``make_dot`` returns: a ``graphviz.Source`` that also renders where no system Graphviz is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import graphviz

from tracer.drawing.engines import lay_out
from tracer.drawing.picture import dress

#: Formats that the bundled engine can make; others need the system's ``dot``.
BUNDLED = ("svg", "png")


class Picture(graphviz.Source):  # type: ignore[misc]
    """DOT text with ``render``, ``pipe``, ``save`` and the display of a notebook.

    SVG and PNG are laid out by the system's ``dot`` where there is one, else by the engine from PyPI; other
    formats are left to ``graphviz.Source``, which needs the system's ``dot``.
    """

    def pipe(self, format: str | None = None, *args: Any, **options: Any) -> Any:
        """Return the picture as bytes (as text when ``encoding`` is given)."""
        kind = (format or self.format).lower()
        if kind not in BUNDLED or args or set(options) - {"encoding", "quiet"}:
            return super().pipe(format, *args, **options)
        made = lay_out(self.source, kind)
        if kind == "svg":
            made = dress(made.decode("utf-8"), "auto").encode("utf-8")
        encoding = options.get("encoding")
        return made if encoding is None else made.decode(encoding)

    def render(
        self,
        filename: Any = None,
        directory: Any = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        **options: Any,
    ) -> str:
        """Write the DOT and the picture beside it, as torchviz users know it; return the picture's path."""
        kind = (format or self.format).lower()
        if kind not in BUNDLED or options:
            rest = {"view": view, "cleanup": cleanup, "format": format, **options}
            return str(super().render(filename, directory=directory, **rest))
        source = Path(self.save(filename, directory=directory))
        target = Path(f"{source}.{kind}")
        target.write_bytes(self.pipe(kind))
        if cleanup:
            source.unlink()
        if view:
            self._view(str(target), format=kind, quiet=False)
        return str(target)

    def _repr_mimebundle_(self, include: Sequence[str] | None = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """Show the picture in a notebook."""
        return {"image/svg+xml": self.pipe("svg", encoding="utf-8"), "text/plain": repr(self)}
