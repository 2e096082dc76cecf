"""Graphs behind tensors whose gradient path was cut: kept as bare numbers, walked once per node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tracer.recording.dark import Dark, Lit, is_leaf
from tracer.recording.deep import part
from tracer.recording.leaves import Leaves
from tracer.recording.torch_compat import node_sequence

#: Nodes remembered between steps.
NODES = 400_000


class FarGraph:
    """Edges of autograd nodes by sequence number, for nodes that no backward may ever visit."""

    def __init__(self, leaves: Leaves) -> None:
        self.leaves = leaves
        #: sequence number -> those of the next nodes; a leaf is ``-1 - key``
        self.edges: dict[int, tuple[int, ...]] = {}

    def reference(self, tensor: torch.Tensor) -> Lit | None:
        """Return a reference to the graph side of a tensor, walking the graph behind it once."""
        if is_leaf(tensor):
            leaf = self.leaves.find(tensor)
            if leaf is None and isinstance(tensor, torch.nn.Parameter):
                leaf = self.leaves.add(tensor)
            return None if leaf is None else Lit(None, leaf.key)
        node = tensor.grad_fn
        if node is None:
            return None
        seq = node_sequence(node)
        if seq not in self.edges:
            self._walk(node)
        return Lit(seq, None)

    def _walk(self, root: Any) -> None:
        edges, leaves = self.edges, self.leaves
        stack = [root]
        while stack:
            node = stack.pop()
            seq = node_sequence(node)
            if seq in edges:
                continue
            keys = []
            for next_node, _ in node.next_functions:
                if next_node is None:
                    continue
                variable = getattr(next_node, "variable", None) if not next_node.next_functions else None
                if variable is not None:
                    leaf = leaves.find(variable)
                    if leaf is None and isinstance(variable, torch.nn.Parameter):
                        leaf = leaves.add(variable)
                    if leaf is not None:
                        keys.append(-1 - leaf.key)
                else:
                    next_seq = node_sequence(next_node)
                    part(node, seq, next_node, next_seq)
                    keys.append(next_seq)
                    stack.append(next_node)
            edges[seq] = tuple(keys)

    def reachable(self, start: int, walked: set[int]) -> Iterator[int]:
        """Yield the nodes behind ``start``, itself first, that are not in ``walked``; adds them to it."""
        stack = [start]
        while stack:
            seq = stack.pop()
            if seq in walked or seq < 0:
                continue
            walked.add(seq)
            yield seq
            stack.extend(self.edges.get(seq, ()))

    def leaves_behind(self, border: Dark) -> list[int]:
        """Return the keys of the leaves behind the places at which a record left the graph."""
        keys: dict[int, None] = {}
        walked: set[int] = set()
        for parent in border.parents:
            if not isinstance(parent, Lit):
                continue
            if parent.leaf is not None:
                keys[parent.leaf] = None
                continue
            for seq in self.reachable(parent.seq or 0, walked):
                for next_key in self.edges.get(seq, ()):
                    if next_key < 0:
                        keys[-1 - next_key] = None
        return list(keys)

    def step_ended(self) -> None:
        """Forget everything once there is much of it: the steps to come build their graphs anew."""
        if len(self.edges) > NODES:
            self.edges.clear()
