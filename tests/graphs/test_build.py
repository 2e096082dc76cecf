"""The full graph and its exports: documented attributes, values that survive the way to a file and back."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from tracer.events import ModelSeen, ModuleSeen
from tracer.graphs.attributes import EDGE_ATTRIBUTES, EDGE_KINDS, NODE_ATTRIBUTES, render_tables
from tracer.graphs.build import build_graph
from tracer.graphs.export import graphml_text, node_link_text
from tracer.traces import Trace

Blocks = Callable[..., Trace]
NASTY = '<b>&"x\n\x00\x1b[31m‮' + "y" * 5_000


@pytest.fixture
def graph(blocks: Blocks) -> nx.MultiDiGraph[Any]:
    return build_graph(blocks(4, frozen=1, cut=2))


def test_every_attribute_is_documented_and_every_documented_one_is_there(graph: nx.MultiDiGraph[Any]) -> None:
    assert {data["kind"] for _, data in graph.nodes(data=True)} == set(NODE_ATTRIBUTES)
    for _, data in graph.nodes(data=True):
        assert set(data) - {"kind"} == set(NODE_ATTRIBUTES[data["kind"]])
    assert {data["kind"] for *_, data in graph.edges(data=True)} == set(EDGE_KINDS)
    for *_, data in graph.edges(data=True):
        assert set(data) - {"kind"} == set(EDGE_ATTRIBUTES[data["kind"]])


def test_edges_join_the_kinds_that_the_table_says(graph: nx.MultiDiGraph[Any]) -> None:
    for tail, head, data in graph.edges(data=True):
        source, target, _ = EDGE_KINDS[data["kind"]]
        assert graph.nodes[tail]["kind"] == source
        assert graph.nodes[head]["kind"] in target.split(", ")


def test_the_page_holds_the_tables() -> None:
    page = Path(__file__).parents[2] / "docs" / "graph.md"
    assert render_tables() in page.read_text(encoding="utf-8")


def test_a_leaf_that_the_loss_reached_tells_what_happened_to_it(graph: nx.MultiDiGraph[Any]) -> None:
    leaf = graph.nodes["leaf:0"]
    assert leaf["name"] == "0.lin.weight"
    assert leaf["shape"] == "3x2"
    assert (leaf["reached"], leaf["accumulated"], leaf["norm"]) == (True, 1, 0.5)
    assert (leaf["owners"], leaf["stepped"], leaf["changed"]) == ("optimizer", 1, True)


def test_leaves_that_no_loss_reached_are_there(graph: nx.MultiDiGraph[Any]) -> None:
    frozen, cut = graph.nodes["leaf:2"], graph.nodes["leaf:4"]
    assert (frozen["requires_grad"], frozen["reached"], frozen["owners"]) == (False, False, "")
    assert (cut["requires_grad"], cut["reached"], cut["accumulated"]) == (True, False, 0)
    (edge,) = [data for *_, data in graph.out_edges("leaf:4", data=True)]
    assert (edge["kind"], edge["cut"], edge["file"], edge["line"]) == ("cut", "detach", "train.py", 7)


def test_optimizers_groups_and_what_they_hold(graph: nx.MultiDiGraph[Any]) -> None:
    assert graph.nodes["optimizer:0"]["cls"] == "SGD"
    assert graph.nodes["group:0:0"]["lr"] == 0.1
    held = [head for _, head, data in graph.out_edges("group:0:0", data=True) if data["kind"] == "holds"]
    assert held == ["leaf:0", "leaf:1", "leaf:4", "leaf:5", "leaf:6", "leaf:7"]


def same(a: nx.MultiDiGraph[Any], b: nx.MultiDiGraph[Any]) -> bool:
    """Compare nodes and edges with all their values."""
    return dict(a.nodes(data=True)) == dict(b.nodes(data=True)) and sorted(
        (tail, head, sorted(data.items())) for tail, head, data in a.edges(data=True)
    ) == sorted((tail, head, sorted(data.items())) for tail, head, data in b.edges(data=True))


def test_graphml_loads_back_with_the_same_values(graph: nx.MultiDiGraph[Any]) -> None:
    back = nx.read_graphml(io.BytesIO(graphml_text(graph).encode()), force_multigraph=True)
    assert same(graph, back)


def test_node_link_json_loads_back_with_the_same_values(graph: nx.MultiDiGraph[Any]) -> None:
    back = nx.node_link_graph(json.loads(node_link_text(graph)), edges="edges")
    assert same(graph, back)


def test_json_holds_no_nan_which_json_does_not_have(graph: nx.MultiDiGraph[Any]) -> None:
    graph.nodes["leaf:0"]["norm"] = math.nan
    graph.nodes["leaf:1"]["norm"] = -math.inf

    def refuse(word: str) -> None:
        raise AssertionError(word)

    nodes = {node["id"]: node for node in json.loads(node_link_text(graph), parse_constant=refuse)["nodes"]}
    assert (nodes["leaf:0"]["norm"], nodes["leaf:1"]["norm"]) == ("nan", "-inf")


def test_nasty_names_survive_json_and_lose_only_what_xml_cannot_hold(blocks: Blocks) -> None:
    trace = blocks(1)
    events = tuple(
        ModelSeen(0, NASTY, NASTY) if isinstance(event, ModelSeen) else event
        for event in (*trace.events, ModuleSeen(9, 0, NASTY, NASTY))
    )
    graph = build_graph(Trace(trace.header, events))
    back = nx.node_link_graph(json.loads(node_link_text(graph)), edges="edges")
    assert back.nodes["module:9"]["name"] == NASTY
    read = nx.read_graphml(io.BytesIO(graphml_text(graph).encode()), force_multigraph=True)
    assert read.nodes["module:9"]["name"] == NASTY.replace("\x00", "�").replace("\x1b", "�")
