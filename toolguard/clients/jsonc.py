"""Server entries of JSON files, with comments and trailing commas, located to the character.

The one door to tree-sitter-json. Python's own parser says whether a file is sound and, if not, where it breaks;
the syntax tree says where things stand. Nothing is ever written back from parsed values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import tree_sitter
import tree_sitter_json

from toolguard.clients.entry import SECRET_MEMBERS, Edit, Entry, Format, NewMember, Span, apply, refuse
from toolguard.core.model import Json

# A string, or a comment; strings come first so that `//` inside one stays.
_STRING_OR_COMMENT = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
# For text without comments: a string, a comma after nothing (left for the parser to refuse), or a trailing comma.
_STRING_OR_TRAILING_COMMA = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|[\[{]\s*,|,(?=\s*[}\]])')
_STRING_OR_CONSTANT = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|(NaN|-?Infinity)')


class _Tree:
    """The syntax tree of one file, answering in characters instead of bytes.

    It is grown from a copy in which every character is one byte: outside strings JSON has no others, so the copy has
    the same structure, and offsets in it are offsets in the text.
    """

    def __init__(self, plain: str) -> None:
        self.text = plain
        parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_json.language()))
        self._root = parser.parse(plain.encode("ascii", "replace")).root_node

    def span(self, node: tree_sitter.Node) -> Span:
        return Span(node.start_byte, node.end_byte)

    def value(self, node: tree_sitter.Node) -> Json:
        return json.loads(self.text[node.start_byte : node.end_byte])

    def top(self) -> tree_sitter.Node | None:
        """The value of the document; None when it is empty."""
        return next(iter(self._root.named_children), None)

    def members(self, node: tree_sitter.Node) -> list[tuple[str, tree_sitter.Node, tree_sitter.Node]]:
        """(name, key, value) of an object's members, in order."""
        found = []
        for pair in node.named_children:
            key, value = (pair.child_by_field_name("key"), pair.child_by_field_name("value"))
            if key is not None and value is not None:
                found.append((str(self.value(key)), key, value))
        return found


def read(text: str, file: str, containers: tuple[tuple[str, ...], ...]) -> tuple[Entry, ...]:
    """The entries below each container, a path of member names in which `*` stands for any.

    Raises ConfigError where the file is not JSON, where a name that matters stands twice, and where a container is
    no object.
    """
    tree = _Tree(_sound(text, file))
    top = tree.top()
    if top is None:
        return ()
    return tuple(
        entry
        for container in containers
        for path, node in _descend(tree, top, container, (), file)
        for entry in _entries(tree, node, path, file)
    )


def _sound(text: str, file: str) -> str:
    """The text with comments and trailing commas blanked out, every other character in its place."""
    plain = text
    try:
        _parse(text)
    except (json.JSONDecodeError, RecursionError):
        plain = _STRING_OR_TRAILING_COMMA.sub(_blank, _STRING_OR_COMMENT.sub(_blank, text))
    if not plain.strip():
        return plain
    try:
        _parse(plain)
    except json.JSONDecodeError as error:
        raise refuse(f"not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}", text, error.pos, file) from None
    except RecursionError:
        raise refuse("nested too deeply to be read", text, 0, file) from None
    return plain


def _parse(text: str) -> Json:
    def refuse_constant(name: str) -> Json:
        position = next(found.start() for found in _STRING_OR_CONSTANT.finditer(text) if found[1])
        raise json.JSONDecodeError(f"`{name}` is not a JSON value", text, position)

    return json.loads(text, parse_constant=refuse_constant)


def _blank(match: re.Match[str]) -> str:
    found = match.group()
    return found if found[0] in '"[{' else re.sub(r"[^\r\n]", " ", found)


def _descend(
    tree: _Tree, node: tree_sitter.Node, path: tuple[str, ...], so_far: tuple[str, ...], file: str
) -> Iterator[tuple[tuple[str, ...], tree_sitter.Node]]:
    """Each object that the path leads to."""
    if node.type != "object":
        what = f"`{so_far[-1]}`" if so_far else "the file"
        raise refuse(f"{what} must hold an object", tree.text, tree.span(node).start, file)
    if not path:
        yield so_far, node
        return
    for name, _, value in _unique(tree, node, file):
        if path[0] in ("*", name):
            yield from _descend(tree, value, path[1:], (*so_far, name), file)


def _unique(tree: _Tree, node: tree_sitter.Node, file: str) -> list[tuple[str, tree_sitter.Node, tree_sitter.Node]]:
    """The members of an object in which no name stands twice: clients differ in which one they take."""
    members = tree.members(node)
    seen: set[str] = set()
    for name, key, _ in members:
        if name in seen:
            raise refuse(f"`{name}` stands here twice", tree.text, tree.span(key).start, file)
        seen.add(name)
    return members


def _entries(tree: _Tree, node: tree_sitter.Node, path: tuple[str, ...], file: str) -> Iterator[Entry]:
    for name, _, value in _unique(tree, node, file):
        if value.type == "object":
            yield _entry(tree, value, (*path, name), file)
        else:
            yield Entry((*path, name), {}, tree.span(value).start)


def _entry(tree: _Tree, node: tree_sitter.Node, pointer: tuple[str, ...], file: str) -> Entry:
    members = _unique(tree, node, file)
    spans = {name: tree.span(value) for name, _, value in members}
    names = [name for name, _, _ in members]
    command, args = spans.get("command"), spans.get("args")
    array = next((value for name, _, value in members if name == "args" and value.type == "array"), None)
    position = names.index("args") if args else 0
    return Entry(
        pointer=pointer,
        members=tree.value(node),
        at=tree.span(node).start,
        command=command,
        args=args if array is not None else None,
        elements=tuple(tree.span(element) for element in array.named_children) if array is not None else (),
        args_member=Span(spans[names[position - 1]].end, args.end) if args and position else None,
        new_args=_new_args(tree, members, command) if command and args is None else None,
        secrets=tuple(_secrets(tree, members)),
    )


def _new_args(tree: _Tree, members: list[tuple[str, tree_sitter.Node, tree_sitter.Node]], command: Span) -> NewMember:
    """After the command, on a line of its own if the command has one."""
    key = next(tree.span(key) for name, key, _ in members if name == "command")
    lead = tree.text[len(tree.text[: key.start].rstrip()) : key.start]
    return NewMember(command.end, f',{lead or " "}"args": ', "")


def _secrets(tree: _Tree, members: list[tuple[str, tree_sitter.Node, tree_sitter.Node]]) -> Iterator[Span]:
    for name, _, value in members:
        if name in SECRET_MEMBERS and value.type == "object":
            yield from (tree.span(secret) for _, _, secret in tree.members(value))


# -- members and elements that are added and taken out ----------------------------------------------------------------

Path = tuple[str | int, ...]
"""Names of members and places of elements that lead somewhere from the top of the file."""


def value(text: str, file: str) -> Json:
    """What the file says; None when it is empty. Raises ConfigError where it is not JSON, or a name stands twice."""
    plain = _sound(text, file)
    tree = _Tree(plain)
    top = tree.top()
    if top is None:
        return None
    for node in _objects(top):
        _unique(tree, node, file)
    return json.loads(plain)


def _objects(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    if node.type == "object":
        yield node
    for child in node.named_children:
        yield from _objects(child)


def append(text: str, file: str, path: tuple[str, ...], added: Json) -> str:
    """The text with one more element in the list that the names lead to; what is not there yet is made."""
    tree = _Tree(_sound(text, file))
    node = tree.top()
    if node is None:
        return text + _written(_nested(path, added), "", "  ") + "\n"
    for depth, name in enumerate(path):
        found = next((child for key, _, child in tree.members(node) if key == name), None)
        if found is None:
            inner = _nested(path[depth + 1 :], added)
            return _insert(text, node, lambda base, unit: f"{_quote(name)}: {_written(inner, base, unit)}")  # noqa: B023 - called at once
        node = found
    return _insert(text, node, lambda base, unit: _written(added, base, unit))


def remove(text: str, file: str, path: Path) -> str:
    """The text without the member or element that the path leads to, and without the comma that it needed."""
    tree = _Tree(_sound(text, file))
    node, parent = tree.top(), None
    for step in path:
        parent = node
        node = _child(tree, node, step)
    if node is None or parent is None:
        raise ValueError(f"nothing at {path}")
    if parent.type == "object":
        node = node.parent or node  # the pair
    return _cut(text, parent, [one.start_byte for one in parent.named_children].index(node.start_byte))


def _child(tree: _Tree, node: tree_sitter.Node | None, step: str | int) -> tree_sitter.Node | None:
    if node is None:
        return None
    if isinstance(step, int):
        return node.named_children[step]
    return next((child for key, _, child in tree.members(node) if key == step), None)


def _nested(path: tuple[str, ...], added: Json) -> Json:
    """A list with the element, inside objects of these names."""
    nested: Json = [added]
    for name in reversed(path):
        nested = {name: nested}
    return nested


def _insert(text: str, node: tree_sitter.Node, written: Callable[[str, str], str]) -> str:
    """After the last child of an object or a list, laid out as its neighbour is."""
    children, close = node.named_children, node.end_byte - 1
    unit = _unit(text)
    if not children:
        base = _indentation(text, node.start_byte)
        inside = text[node.start_byte + 1 : close].rstrip()  # a comment, if anything
        made = f"{inside}\n{base}{unit}{written(base + unit, unit)}\n{base}"
        return text[: node.start_byte + 1] + made + text[close:]
    last = children[-1]
    lead = text[len(text[: last.start_byte].rstrip()) : last.start_byte]
    behind = len(text[:close].rstrip())
    trails = "," in _without_comments(text)[last.end_byte : close]  # then the new one ends with a comma, too
    if "\n" not in lead and "//" in text[last.end_byte : behind]:
        lead = "\n" + _indentation(text, node.start_byte) + unit
    made = lead + written(lead.rpartition("\n")[2], unit if "\n" in lead else "") + ("," if trails else "")
    return text[: last.end_byte] + ("" if trails else ",") + text[last.end_byte : behind] + made + text[behind:]


def _cut(text: str, parent: tree_sitter.Node, at: int) -> str:
    children, close = parent.named_children, parent.end_byte - 1
    child, plain = children[at], _without_comments(text)
    cuts = [Span(len(text[: child.start_byte].rstrip()), child.end_byte)]
    behind = plain.find(",", child.end_byte, children[at + 1].start_byte if at + 1 < len(children) else close)
    if behind < 0 and at:  # the last one: then the comma before it goes
        behind = plain.index(",", children[at - 1].end_byte, child.start_byte)
    if behind >= 0:
        cuts.append(Span(behind, behind + 1))
    left = apply(text, [Edit(cut, "") for cut in cuts])
    inside = slice(parent.start_byte + 1, close - (len(text) - len(left)))
    return left if left[inside].strip() else left[: inside.start] + left[inside.stop :]


def _without_comments(text: str) -> str:
    """The same length, with comments and the contents of strings blanked out."""
    return _STRING_OR_COMMENT.sub(lambda found: re.sub(r"[^\r\n]", " ", found.group()), text)


def _written(value: Json, base: str, unit: str) -> str:
    """A value as text: on lines of its own below `base`, or on one line where nothing is indented."""
    if not unit:
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", "\n" + base)


def _indentation(text: str, offset: int) -> str:
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str) -> str:
    """By how much the file indents."""
    found = re.search(r"^(\t|  +)\S", text, re.MULTILINE)
    return found[1] if found else "  "


def _quote(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


JSONC = Format(read=read, quote=_quote)
