"""Styles for a notebook cell: kept inside the cell, and as light or dark as the notebook around it.

JupyterLab and VS Code do not follow the system's setting: they say in an attribute or class of their own
whether they are dark.

Source: https://jupyterlab.readthedocs.io/en/stable/extension/extension_dev.html (data-jp-theme-light)
Source: https://code.visualstudio.com/api/extension-guides/webview#theming-webview-content (vscode-dark)
"""

from __future__ import annotations

import re

from tracer.drawing.style import stylesheet
from tracer.reports.page.assets import asset

_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_COLOURS = re.compile(r":root\{color-scheme:light dark;([^}]*)\}")
_DARK = re.compile(r"@media screen and \(prefers-color-scheme:dark\)\{:root\{([^}]*)\}\}")
#: What the hosts put around a cell when they are light, and when they are dark.
_LIGHT_HOSTS = '[data-jp-theme-light="true"] *,.vscode-light *,[data-theme="light"] *'
_DARK_HOSTS = '[data-jp-theme-light="false"] *,.vscode-dark *,[data-theme="dark"] *'


def cell_style() -> str:
    """Return the style sheet of one cell; every rule in it holds inside ``.tracer`` only."""
    sheet = asset("report.css")
    light, dark = _found(_COLOURS, sheet), _found(_DARK, sheet)
    rules = _DARK.sub("", _COLOURS.sub("", sheet))
    darkness = f"{dark};color-scheme:dark;{stylesheet('dark')}"  # CSS nesting: the picture's rules stand inside
    return (
        f".tracer{{{light};color-scheme:light;{stylesheet('light')}}}"
        f"@media (prefers-color-scheme:dark){{.tracer:not({_LIGHT_HOSTS}){{{darkness}}}}}"
        f".tracer:is({_DARK_HOSTS}){{{darkness}}}"
        f"@scope (.tracer){{{rules}}}"
        ".tracer{background:var(--card);color:var(--ink);padding:12px 16px;border-radius:8px;"
        "font:14px/1.5 system-ui,sans-serif}"
        ".tracer .picture svg{display:block;max-width:100%;height:auto;margin:0 auto}"
        ".tracer .scroll{max-height:420px}"
        # notebooks style every table of theirs
        ".tracer table{color:var(--ink)!important;width:100%}"
        ".tracer tr{background:none!important}"
        ".tracer th,.tracer td{text-align:left!important;color:var(--ink)}"
        ".tracer .num{text-align:right!important}"
    )


def bare(svg: str) -> str:
    """Return a drawing without its own style, which follows the system and not the notebook."""
    return _STYLE.sub("", svg, count=1)


def _found(pattern: re.Pattern[str], sheet: str) -> str:
    match = pattern.search(sheet)
    return "" if match is None else match[1]
