"""Events to plain JSON values and back, guided by the annotations of the event classes.

Strict JSON has no NaN, no Inf, no tuple and no complex number: they are written as one-key objects. A graph's
nodes and edges are written as columns, so that a graph of a million nodes stays small and loads in seconds.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar

from tracer import events
from tracer.events import Event, GraphSeen, Group, LeafSeen, ModuleSeen, Node

D = TypeVar("D")

#: name in the file -> class, for every kind of event this version knows
KINDS: dict[str, type[Event]] = {
    name: kind
    for name, kind in vars(events).items()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}


class Mismatch(ValueError):
    """A value in a file that its field does not allow."""


# --------------------------------------------------------------------------- single values


def pack(value: object) -> object:
    """Return ``value`` as strict JSON: what JSON lacks becomes an object with one key that names it."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if isinstance(value, complex):
        return {"complex": [pack(value.real), pack(value.imag)]}
    if isinstance(value, tuple):
        return {"tuple": [pack(item) for item in value]}
    if isinstance(value, list):
        return [pack(item) for item in value]
    return value


def unpack_special(found: dict[str, Any]) -> object:
    """Undo ``pack`` for one JSON object; any other object stays as it is (``object_hook``)."""
    if len(found) != 1:
        return found
    ((key, value),) = found.items()
    if key == "float" and value in ("nan", "inf", "-inf"):
        return float(value)
    if key == "complex" and isinstance(value, list) and set(map(type, value)) <= {int, float} and len(value) == 2:
        return complex(float(value[0]), float(value[1]))
    if key == "tuple" and isinstance(value, list):
        return tuple(value)
    return found


# --------------------------------------------------------------------------- writing


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    default: object  #: MISSING when it must be given
    plain: bool  #: scalar or text: written as it is
    typed_tuple: bool  #: written as a bare list, since its annotation says tuple
    read: Callable[[object], object]


def _fields_of(kind: type) -> tuple[_Field, ...]:
    found = _known_fields.get(kind)
    if found is None:
        found = _known_fields[kind] = _read_fields(kind)
    return found


def _read_fields(kind: type) -> tuple[_Field, ...]:
    hints = typing.get_type_hints(kind)
    return tuple(
        _Field(
            f.name,
            f.default,
            _is_plain(hints[f.name]),
            _is_tuple(hints[f.name]),
            _reader(hints[f.name]),
        )
        for f in fields(kind)
    )


_known_fields: dict[type, tuple[_Field, ...]] = {}


def _options(hint: object) -> tuple[object, ...]:
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)


def _is_plain(hint: object) -> bool:
    return set(_options(hint)) <= {str, int, bool, types.NoneType}


def _is_tuple(hint: object) -> bool:
    return any(typing.get_origin(option) is tuple for option in _options(hint))


def to_dict(value: object) -> dict[str, object]:
    """Return the fields of a dataclass that differ from their defaults, as JSON values."""
    found: dict[str, object] = {}
    for field in _fields_of(type(value)):
        item = getattr(value, field.name)
        if field.plain:
            if field.default is MISSING or item != field.default or type(item) is not type(field.default):
                found[field.name] = item
        elif field.typed_tuple and isinstance(item, tuple):
            if field.default is MISSING or item != field.default:
                found[field.name] = _bare(item)
        elif field.default is MISSING or item is not field.default:
            found[field.name] = pack(item)
    return found


_PLAIN = {int, str, bool, types.NoneType}


def _bare(item: object) -> object:
    if isinstance(item, tuple):
        # the long ones, a number for each node of a graph, need no look at their items one by one
        return list(item) if set(map(type, item)) <= _PLAIN else [_bare(each) for each in item]
    if isinstance(item, Group | Node):
        return to_dict(item)
    return pack(item)


def event_to_json(event: Event) -> list[object]:
    """Return ``[kind, fields]``."""
    found = to_dict(event) if not isinstance(event, GraphSeen) else _graph_to_dict(event)
    return [type(event).__name__, found]


def _graph_to_dict(graph: GraphSeen) -> dict[str, object]:
    nodes = graph.nodes
    names, name_column = _table([node.name for node in nodes])
    ops, op_column = _table([node.op for node in nodes])
    columns = {
        "names": names,
        "name": name_column,
        "ops": ops,
        "op": op_column,
        "module": [node.module for node in nodes],
        "place": [node.place for node in nodes],
        "leaf": [[i, node.leaf] for i, node in enumerate(nodes) if node.leaf is not None],
        "details": [[i, list(node.details)] for i, node in enumerate(nodes) if node.details],
    }
    edges = {
        "from": [edge[0] for edge in graph.edges],
        "to": [edge[1] for edge in graph.edges],
        "slot": [edge[2] for edge in graph.edges],
    }
    return {
        "graph": graph.graph,
        "fingerprint": graph.fingerprint,
        "nodes": columns,
        "edges": edges,
        "truncated": graph.truncated,
    }


def _table(values: list[Any]) -> tuple[list[Any], list[int]]:
    """Return the distinct values, and for each value its position among them."""
    position: dict[Any, int] = {}
    column = [position.setdefault(value, len(position)) for value in values]
    return list(position), column


# --------------------------------------------------------------------------- reading


def event_from_json(name: str, found: object) -> tuple[Event, tuple[str, ...]]:
    """Return the event of the kind called ``name``, and the names of fields this version does not know.

    Raises:
        Mismatch: when a field is missing or holds what it must not.
    """
    if name == "GraphSeen":
        return _graph_from_dict(found), _unknown(GraphSeen, found)
    event = from_dict(KINDS[name], found)
    if isinstance(event, LeafSeen | ModuleSeen):
        path = event.path if isinstance(event, ModuleSeen) else event.name
        if path.count(".") > LEVELS:
            raise Mismatch(f"{name} holds a name of {path.count('.'):,} levels; at most {LEVELS:,} are read")
    return event, _unknown(KINDS[name], found)


#: Modules one inside another, in a name: many more than can call each other, and work grows with their square.
LEVELS = 2_000


def _unknown(kind: type, found: object) -> tuple[str, ...]:
    known = {field.name for field in _fields_of(kind)}
    return tuple(key for key in found if key not in known) if isinstance(found, dict) else ()


def from_dict(kind: type[D], found: object) -> D:
    """Build a dataclass from a JSON object; unknown keys are left out, wrong values raise ``Mismatch``."""
    if not isinstance(found, dict):
        raise Mismatch(f"{kind.__name__} is no JSON object")
    values: dict[str, object] = {}
    for field in _fields_of(kind):
        if field.name in found:
            try:
                values[field.name] = field.read(found[field.name])
            except Mismatch as error:
                raise Mismatch(f"{kind.__name__}.{field.name} {error}") from None
        elif field.default is MISSING:
            raise Mismatch(f"{kind.__name__} lacks its field {field.name!r}")
    return kind(**values)


def _reader(hint: object) -> Callable[[object], object]:
    """Return a function that checks a JSON value against an annotation and makes it what it was."""
    options = _options(hint)
    if object in options:  # ``Values``
        return _read_values
    # in Python 3.10 ``tuple[int]`` is an instance of type
    scalars = tuple(option for option in options if isinstance(option, type) and typing.get_origin(option) is None)
    real = float in scalars and int not in scalars
    if float in scalars:
        scalars = (*scalars, int)
    inner = next((option for option in options if typing.get_origin(option) is tuple), None)
    read_items = None if inner is None else _items_reader(inner)

    def read(value: object) -> object:
        if isinstance(value, scalars) and (bool in scalars or not isinstance(value, bool)):
            if real:
                _check_size(value)
            return value
        if read_items is not None and isinstance(value, list):
            return read_items(value)
        if len(scalars) == 1 and scalars[0] in (Group, Node):
            return from_dict(scalars[0], value)
        raise Mismatch(f"holds {str(value)[:40]!r}, which is not allowed there")

    return read


def _check_size(value: object) -> None:
    if type(value) is int and value.bit_length() > _BITS:
        raise Mismatch(f"holds a number of {value.bit_length()} bits, which no float can hold")


#: A whole number of more bits may be too large for a float.
_BITS = 1023
#: A tensor has at most so many dimensions.
_DEPTH = 64


def _read_values(value: object) -> object:
    """Check that a value is a number, None, or nested lists of them; already unpacked."""
    level = [value]
    for _ in range(_DEPTH + 1):
        inner: list[object] = []
        for item in level:
            if isinstance(item, list | tuple):
                inner.extend(item)
            elif item is not None and not isinstance(item, int | float | complex):
                raise Mismatch(f"holds {str(item)[:40]!r}, which is not allowed there")
            _check_size(item)
        if not inner:
            return value
        level = inner
    raise Mismatch("is nested too deeply")


def _items_reader(hint: object) -> Callable[[list[Any]], tuple[object, ...]]:
    kinds = typing.get_args(hint)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        read = _reader(kinds[0])
        plain = {option for option in _options(kinds[0]) if option in (int, float, str, bool, types.NoneType)}

        def read_many(items: list[Any]) -> tuple[object, ...]:
            return tuple(items) if set(map(type, items)) <= plain else tuple([read(item) for item in items])

        return read_many
    readers = [_reader(kind) for kind in kinds]

    def read_fixed(items: list[Any]) -> tuple[object, ...]:
        if len(items) != len(readers):
            raise Mismatch(f"holds {len(items)} values in place of {len(readers)}")
        return tuple([read(item) for read, item in zip(readers, items, strict=True)])

    return read_fixed


def _graph_from_dict(found: object) -> GraphSeen:
    try:
        return _build_graph(found)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise Mismatch(f"GraphSeen cannot be read ({type(error).__name__}: {error})") from None


def _build_graph(found: Any) -> GraphSeen:
    columns, edges = found["nodes"], found["edges"]
    names, ops = columns["names"], columns["ops"]
    name, op, module, place = (columns[key] for key in ("name", "op", "module", "place"))
    _check_texts(names, ops)
    for column in (name, op, edges["from"], edges["to"], edges["slot"]):
        _check_ints(column)
    for column in (module, place):
        _check_ints([value for value in column if value is not None])
    leaves: list[int | None] = [None] * len(name)
    for index, leaf in columns["leaf"]:
        _check_ints([index, leaf])
        leaves[index] = leaf
    details: dict[int, tuple[str, ...]] = {}
    for index, texts in columns.get("details", ()):
        _check_texts(texts, [])
        details[index] = tuple(texts)
    rows = zip(name, module, place, op, leaves, strict=True)
    nodes = tuple([Node(names[n], m, p, ops[o], leaf, details.get(i, ())) for i, (n, m, p, o, leaf) in enumerate(rows)])
    ends = tuple(zip(edges["from"], edges["to"], edges["slot"], strict=True))
    if max(max(edges["from"], default=-1), max(edges["to"], default=-1)) >= len(nodes):
        raise ValueError("an edge leads to a node that is not there")
    base = {key: found[key] for key in ("graph", "fingerprint", "truncated")}
    empty = from_dict(GraphSeen, {**base, "nodes": [], "edges": []})
    return GraphSeen(empty.graph, empty.fingerprint, nodes, ends, empty.truncated)


def _check_texts(names: list[Any], ops: list[Any]) -> None:
    if not all(isinstance(name, str) for name in names):
        raise ValueError("a name or detail of a node is no text")
    if not all(op is None or isinstance(op, str) for op in ops):
        raise ValueError("a node's op is no text")


def _check_ints(column: list[Any]) -> None:
    if not set(map(type, column)) <= {int} or min(column, default=0) < 0:
        raise ValueError("a column holds something other than numbers from 0")
