"""Every kind of node and edge of the full graph with its attributes: the one table behind ``docs/graph.md``."""

from __future__ import annotations

#: kind of node -> its attributes: name -> meaning. Every node has ``kind`` too.
NODE_ATTRIBUTES: dict[str, dict[str, str]] = {
    "op": {
        "name": "name of the autograd node, such as AddmmBackward0",
        "op": "function called in the forward pass, such as linear; '' where unknown",
        "graph": "key of the recorded graph that holds it",
        "module": "path of the module call that made it; '' outside of modules",
        "model": "name of the root module; '' outside of modules",
        "file": "source file of the call; '' where unknown",
        "line": "source line of the call; 0 where unknown",
        "norm": "L2 norm of the gradient that flowed into the node at the last backward; -1 where not measured",
        "culprit": "'zero', 'nan', 'inf', 'none' or 'forward' when a bad gradient began here, else ''",
    },
    "leaf": {
        "name": "name as in named_parameters()",
        "model": "name of the root module; '' for a bare tensor",
        "shape": "sizes joined by x",
        "dtype": "data type",
        "device": "device",
        "leaf_kind": "parameter, unregistered, non_leaf, input or orphan",
        "requires_grad": "whether it required grad at the end",
        "reached": "whether a recorded graph reaches it",
        "accumulated": "number of backwards that accumulated into .grad",
        "norm": "L2 norm of the last gradient measured; -1 where none was",
        "owners": "names of the optimizers that hold it, comma separated",
        "stepped": "number of optimizer steps that could change it",
        "changed": "whether any step changed its value",
    },
    "module": {
        "name": "path of the module; '' for a root",
        "model": "name of the root module",
        "cls": "class",
        "calls": "number of recorded calls of forward",
    },
    "optimizer": {"name": "variable name or class", "cls": "class", "steps": "number of recorded steps"},
    "group": {
        "name": "optimizer name and group number",
        "lr": "learning rate when last seen; -1 where it is no plain number",
        "weight_decay": "weight decay; 0 where it has none",
        "momentum": "momentum of SGD, or beta1 of the Adam family; 0 where it has none",
        "tensors": "number of tensors in the group",
    },
}
#: kind of node -> how its key is built
NODE_KEYS = {
    "op": "op:GRAPH:INDEX",
    "leaf": "leaf:NUMBER",
    "module": "module:NUMBER",
    "optimizer": "optimizer:NUMBER",
    "group": "group:OPTIMIZER:NUMBER",
}
#: kind of edge -> (from, to, meaning)
EDGE_KINDS: dict[str, tuple[str, str, str]] = {
    "gradient": ("op", "op, leaf", "as next_functions: the gradient flows this way"),
    "contains": ("module", "module, leaf", "the module holds it"),
    "cut": ("leaf", "op", "its value went on without a gradient"),
    "has": ("optimizer", "group", "the optimizer's param group"),
    "holds": ("group", "leaf", "the param group holds the leaf"),
}
#: kind of edge -> its attributes: name -> meaning. Every edge has ``kind`` too.
EDGE_ATTRIBUTES: dict[str, dict[str, str]] = {
    "gradient": {"slot": "which output of the target the gradient belongs to"},
    "contains": {},
    "cut": {
        "cut": "kind of cut: detach, no_grad, item, numpy, argmax, ...",
        "op": "function called there",
        "file": "source file of the cut; '' where unknown",
        "line": "source line of the cut; 0 where unknown",
        "certain": "false when the value went through numbers that could not be followed",
    },
    "has": {},
    "holds": {},
}


def render_tables() -> str:
    """Return the tables as Markdown."""
    lines: list[str] = []
    for kind, attributes in NODE_ATTRIBUTES.items():
        lines += [f"### {kind}: `{NODE_KEYS[kind]}`", "", "| attribute | meaning |", "|---|---|"]
        lines += [f"| `{name}` | {meaning} |" for name, meaning in attributes.items()]
        lines.append("")
    lines += ["### Edges", "", "| kind | from | to | meaning | attributes |", "|---|---|---|---|---|"]
    for kind, (source, target, meaning) in EDGE_KINDS.items():
        told = "; ".join(f"`{name}`: {text}" for name, text in EDGE_ATTRIBUTES[kind].items())
        lines.append(f"| `{kind}` | {source} | {target} | {meaning} | {told} |")
    return "\n".join(lines)
