"""The full graph as text: GraphML and node-link JSON. Both load back into networkx."""

from __future__ import annotations

import io
import json
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import networkx as nx

#: Characters that XML 1.0 cannot hold, not even escaped.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Invisible signs that XML can hold, written as references: a terminal that shows the file obeys none.
_HIDDEN = re.compile("[\r\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")


def graphml_text(graph: nx.MultiDiGraph[Any]) -> str:
    """Return GraphML; characters that XML cannot hold become U+FFFD."""
    import networkx as nx

    fit = graph.copy()
    for _, data in fit.nodes(data=True):
        _clean(data)
    for *_, data in fit.edges(data=True):
        _clean(data)
    _clean(fit.graph)
    buffer = io.BytesIO()
    nx.write_graphml(fit, buffer)
    return _HIDDEN.sub(lambda found: f"&#{ord(found[0])};", buffer.getvalue().decode("utf-8"))


def _clean(data: dict[str, Any]) -> None:
    for key, value in data.items():
        if isinstance(value, str):
            data[key] = _UNFIT.sub("�", value)


def node_link_text(graph: nx.MultiDiGraph[Any]) -> str:
    """Return node-link JSON as ``networkx.node_link_graph(..., edges="edges")`` reads it.

    JSON has no NaN and no infinity: they stand as the texts "nan", "inf" and "-inf".
    """
    import networkx as nx

    data = nx.node_link_data(graph, edges="edges")
    for entry in (*data["nodes"], *data["edges"]):
        for key, value in entry.items():
            if isinstance(value, float) and not math.isfinite(value):
                entry[key] = str(value)
    return json.dumps(data, allow_nan=False)
