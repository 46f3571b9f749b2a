"""A document taken apart, whatever its syntax: what a path leads to there, and the text of it.

A path is written in a format's mapping table. ``a.b`` (JSON, YAML) and ``a/b`` (XML) go from one
member to the next, through every item of a list; ``*`` is every member; ``@name`` is an attribute
(in JSON ``@`` is the name under which ``*`` met a member). ``a[b=c d]`` keeps the a whose b is c
or d, ``!=`` those where it is neither, ``^=`` those where it begins so, and no value is a blank
one. ``a, b`` is the first of the two that says something, ``a + b`` both, one after the other; the
empty path is the part itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self

#: What could not be understood: where, its text, and why.
type Refusal = tuple[str, str, str]


class _Step(NamedTuple):
    """One step of a path: the member it goes to, and which of those it keeps."""

    name: str
    member: str = ""
    sign: str = ""
    values: tuple[str, ...] = ()

    def keeps(self, text: str) -> bool:
        return (
            text.startswith(self.values)
            if self.sign == "^="
            else ((text in self.values) == (self.sign == "="))
        )


_STEP = re.compile(r"([^\[]+)\[(.+?)(!=|\^=|=)(.*)\]")


@lru_cache(maxsize=4096)
def _choices(path: str, separator: str) -> list[list[list[_Step]]]:
    """Return a path as what it tries in turn, each as what it takes together, each as its steps."""
    return [
        [[_step(step) for step in steps.split(separator) if step] for steps in choice.split(" + ")]
        for choice in path.split(", ")
    ]


def _step(text: str) -> _Step:
    if match := _STEP.fullmatch(text):
        return _Step(match[1], match[2], match[3], tuple(match[4].split()) or ("",))
    return _Step(text)


class Part:
    """A part of a document, and what in the whole document could not be understood."""

    __slots__ = ("node", "refused", "where")
    separator: ClassVar[str]

    def __init__(self, node: Any, where: str = "", refused: list[Refusal] | None = None) -> None:
        self.node = node
        self.where = where
        self.refused = [] if refused is None else refused

    def at(self, path: str) -> list[Self]:
        """Return the parts that a path leads to; none of them is blank."""
        found = next(filter(None, self._tried(path)), [])
        return [self._child(node, self._place(node, path)) for node in found]

    def texts(self, path: str = "") -> list[str]:
        """Return the texts of the parts that a path leads to."""
        for found in self._tried(path):
            if texts := list(filter(None, map(self._said, found))):
                return texts
        return []

    def text(self, path: str = "") -> str:
        """Return the first text that a path leads to; empty when there is none."""
        return next(iter(self.texts(path)), "")

    def said(self) -> str:
        """Return the text of the part itself, trimmed."""
        return self._said(self.node)

    def refuse(self, text: str, reason: str) -> None:
        """Note that this part says nothing readable; the rest is read all the same."""
        self.refused.append((self.where, text[:200], reason))

    def _tried(self, path: str) -> Iterator[list[Any]]:
        for choice in _choices(path, self.separator):
            yield [node for steps in choice for node in self._follow(steps)]

    def _follow(self, steps: list[_Step]) -> list[Any]:
        nodes = self._items(self.node)
        for step in steps:
            nodes = [item for node in nodes for item in self._to(node, step.name)]
            if step.member:
                told = ((node, self._child(node, "").text(step.member)) for node in nodes)
                nodes = [node for node, text in told if step.keeps(text)]
        return nodes

    def _child(self, node: Any, where: str) -> Self:
        return type(self)(node, where, self.refused)

    def _place(self, _node: Any, path: str) -> str:
        """Return where a node stands, for who will look there."""
        return path or self.where

    def _items(self, node: Any) -> list[Any]:
        """Return what a node is a list of: itself, but in JSON."""
        return [node]

    def _to(self, node: Any, name: str) -> Iterable[Any]:
        """Return what a node has under a name."""
        raise NotImplementedError

    def _said(self, node: Any) -> str:
        """Return the text of a node, trimmed."""
        raise NotImplementedError


class JsonPart(Part):
    """A value of JSON or YAML; what is not of the kind that a path expects leads nowhere."""

    __slots__ = ()
    separator = "."

    def _items(self, node: Any) -> list[Any]:
        listed = node if isinstance(node, list) else [node]
        # 0 says something: a box may begin at Greenwich.
        return [item for item in listed if item or (item == 0 and item is not False)]

    def _to(self, node: Any, name: str) -> Iterable[Any]:
        if not isinstance(node, Mapping):
            return []
        if name == "*":
            return [item for value in _members(node) for item in self._items(value)]
        return self._items(node.get(name))

    def _said(self, node: Any) -> str:
        """Return a text: itself, the French one of several languages, or the first of a list."""
        if isinstance(node, Mapping):
            node = node.get("fr") or node.get("label") or next(iter(node.values()), "")
            return self._said(node)
        if isinstance(node, list):
            return self._said(node[0]) if node else ""
        return "" if node is None else str(node).strip()


def _members(value: Mapping[str, Any]) -> Iterator[Any]:
    for name, item in value.items():
        yield {**item, "@": name} if isinstance(item, Mapping) else item
