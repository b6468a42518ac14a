r"""What a reviewer sees of a call: its arguments laid out by what they are, with the findings' places in them.

Never lies by leaving out: every character of every argument is drawn, or folded behind a line that says how much
is there; a fold holds nothing that a finding points at. Never interprets: the values returned hold plain text and
a colour's name; whoever draws them escapes them. What an argument means comes from `reading`; this file only
lays it out. Total: no call makes it raise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from toolguard.core.layout import leaves as named
from toolguard.core.layout.diffing import diff
from toolguard.core.layout.drawing import HEAD, TAIL, WIDEST, Canvas, Fold, Line, Row, folded
from toolguard.core.layout.highlight import Token, tokens
from toolguard.core.layout.leaves import Leaf
from toolguard.core.layout.visible import Mark, marks, warnings
from toolguard.core.model import EMPTY, EffectClass, Json, ToolCall
from toolguard.core.reading import Language, Reading, read

LEAVES: Final = 400
"""Values of one call that are drawn, beside those that a finding points at; the exact JSON has the rest."""
LONG: Final = 88
"""A longer string gets a block of its own instead of a row."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a finding points: its number on the page and a span of one argument."""

    number: int
    pointer: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One argument, or what it becomes: a row when short, a block when not."""

    label: str
    pointer: str
    language: str
    """`shell`, `sql`, `diff`, `text` or `value`."""
    body: tuple[Line | Fold, ...]
    is_block: bool = False
    note: str = ""
    numbers: tuple[int, ...] = ()
    """Findings about the whole of a value that is too long to underline."""


@dataclass(frozen=True, slots=True)
class Presentation:
    kind: str
    """`shell`, `sql`, `write`, `http`, `message`, `money` or `table`."""
    parts: tuple[Part, ...]
    touches: tuple[tuple[str, str], ...]
    """What the call would reach: what happens to it, and its name."""
    warnings: tuple[str, ...]

    @property
    def runs(self) -> list[tuple[bool, list[Part]]]:
        """The parts in order, neighbours of the same size together: rows make one table, blocks stand alone."""
        return [(size, list(parts)) for size, parts in groupby(self.parts, key=lambda part: part.is_block)]


def present(call: ToolCall, spots: Sequence[Spot] = (), before: Mapping[str, str] = EMPTY) -> Presentation:
    """The layout of a call whose arguments are in redacted form.

    `before` holds, by pointer to a path or to new content, the text now in the file that the call would write.
    """
    redactions: dict[str, list[Token]] = {}
    arguments = named.without_markers(call.arguments, "", redactions)
    # A secret in a key hides the object that it stands in, which may be all of it.
    reading = read(replace(call, arguments=arguments if isinstance(arguments, dict) else {}))
    leaves = tuple(named.leaves(arguments))
    page = _Page(spots, redactions, reading, before, {at: value for at, value in leaves if isinstance(value, str)})
    kind, ordered = _ordered(reading, leaves)
    chosen = [leaf for leaf in ordered if leaf[1] not in page.replaced]
    kept = [leaf for n, leaf in enumerate(chosen) if n < LEAVES or page.points_at(leaf[1])]
    parts = _lists_joined(page.part(label, at, value, kind) for label, at, value in kept)
    if len(kept) < len(chosen):
        parts += (_rest(len(chosen) - len(kept)),)
    return Presentation(kind, parts, _touches(reading, leaves), warnings(page.marks))


# --- what comes first, and what it is called -------------------------------------------------------------------

_Named = tuple[str, str, Json]

_ADDRESS = ("url", "uri", "endpoint", "href", "address")
_ROLES: Final[Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    # Kind -> label and the argument names that carry it, in the order a reviewer reads them.
    "shell": (),
    "sql": (),
    "money": (
        ("Amount", ("amount", "value", "total", "price", "sum")),
        ("Currency", ("currency",)),
        ("Recipient", ("recipient", "to", "payee", "iban", "account", "destination", "beneficiary")),
        ("Purpose", ("subject", "purpose", "reference", "memo", "description")),
    ),
    "message": (
        ("To", ("to", "recipient", "recipients", "channel", "channel_id", "user", "email", "chat_id", "phone")),
        ("Copy to", ("cc", "bcc")),
        ("Subject", ("subject", "title")),
        ("Message", ("body", "text", "message", "content", "markdown")),
    ),
    "write": (
        ("File", ("path", "file_path", "filepath", "filename", "file", "uri")),
        ("New content", ("content", "contents", "text", "data", "file_text", "body")),
    ),
    "http": (
        ("Method", ("method", "verb")),
        ("Address", _ADDRESS),
        ("Headers", ("headers",)),
        ("What leaves", ("body", "data", "json", "payload", "content", "params")),
    ),
    "table": (),
}
_NEEDED: Final = {  # roles without which a call is not of that kind
    "money": ("Amount", "Recipient"),
    "message": ("To", "Message"),
    "write": ("File", "New content"),
    "http": ("Address",),
}


def _ordered(reading: Reading, leaves: Sequence[Leaf]) -> tuple[str, Sequence[_Named]]:
    kind = _kind(reading, leaves)
    first: list[_Named] = []
    taken: set[str] = set()
    code = {f.place.pointer for f in reading.fragments if not f.nested and f.language in _CODE}
    for at, value in leaves:
        if at in code:
            first.append((named.label(at), at, value))
            taken.add(at)
    for label, names in _ROLES[kind]:
        for at, value in leaves:
            if at not in taken and named.top(at) in names:
                first.append((named.below(label, at), at, value))
                taken.add(at)
    return kind, [*first, *((named.label(at), at, value) for at, value in leaves if at not in taken)]


_CODE: Final = frozenset(
    {Language.SHELL, Language.SQL, Language.POWERSHELL, Language.CMD, Language.PYTHON, Language.CODE}
)


def _kind(reading: Reading, leaves: Sequence[Leaf]) -> str:
    languages = {f.language for f in reading.fragments if not f.nested}
    if Language.SHELL in languages:
        return "shell"
    if Language.SQL in languages:
        return "sql"
    names = {named.top(at) for at, _ in leaves}
    for kind in ("write", "money", "message", "http"):
        roles = dict(_ROLES[kind])
        if all(names & set(roles[label]) for label in _NEEDED[kind]):
            return kind
    return "table"


_OPS: Final = {
    "read": "reads",
    "list": "lists",
    "write": "writes",
    "delete": "deletes",
    "mode": "changes permissions of",
    "owner": "changes the owner of",
    "execute": "runs",
}
_SQL_VERBS: Final = {EffectClass.READ: "reads", EffectClass.WRITE: "changes", EffectClass.DELETE: "deletes from"}
MANY_TOUCHED: Final = 12


def _touches(reading: Reading, leaves: Sequence[Leaf]) -> tuple[tuple[str, str], ...]:
    """What is read out of the arguments; an argument that names the thing and nothing else is not repeated."""
    found: list[tuple[str, str]] = []
    for use in reading.files:
        tree = " and everything in it" if use.recursive else ""
        elsewhere = " (on another machine)" if use.remote else ""
        found.append((_OPS[use.op.value], use.path + tree + elsewhere))
    for contact in reading.contacts:
        verb = "listens on" if contact.listens else "sends to" if contact.body or contact.sends else "contacts"
        found.append((verb, contact.address))
        found.extend((f"sends to {contact.address} the file", name) for name in contact.sends)
    for _, sql in reading.sql:
        for statement in sql.statements:
            verb = _SQL_VERBS.get(statement.effect_class, statement.kind)
            found.extend((verb, f"table {table}") for table in statement.tables)
    plain = {value for _, value in leaves if isinstance(value, str)}
    unique = [pair for pair in dict.fromkeys(found) if pair[1] not in plain]
    more = len(unique) - MANY_TOUCHED
    return tuple(unique if more <= 0 else [*unique[:MANY_TOUCHED], ("and", f"{more} more")])


# --- drawing one argument --------------------------------------------------------------------------------------


class _Page:
    """What all parts of one presentation share."""

    def __init__(
        self,
        spots: Sequence[Spot],
        redactions: Mapping[str, Sequence[Token]],
        reading: Reading,
        before: Mapping[str, str],
        texts: Mapping[str, str],
    ) -> None:
        self.spots, self.redactions, self.reading, self.before = spots, redactions, reading, before
        self.texts = texts
        self.marks: list[Mark] = []
        self.replaced = {_beside(at) for at in texts} & texts.keys()
        """Arguments that hold what another one replaces: the diff shows them."""

    def part(self, label: str, at: str, value: Json, kind: str) -> Part:
        text = value if isinstance(value, str) else named.literal(value)
        language = self._language(at)
        found = marks(text)
        self.marks.extend(found)
        spans, wide = self._spans(at, len(text))
        canvas = Canvas(
            text,
            found,
            colours=tokens(text, language),
            secrets=self.redactions.get(at, ()),
            spots=spans,
            effects=self._effects(at),
            breaks=_breaks(text, language, self.reading, at),
        )
        rows, note = canvas.rows(), ""
        old = self._old(label, at, kind)
        if old is not None:
            before = Canvas(old)
            self.marks.extend(marks(old))
            language, note, rows = "diff", *_as_diff(old, text, before, canvas)
        is_block = language not in {"text", "value"} or "\n" in text or len(text) > LONG
        if kind == "write" and label == "New content" and old is None:
            note = "what is in the file now is not known, so there is nothing to compare with"
        elif language != "diff" and is_block and (len(rows) > HEAD + TAIL or len(text) > WIDEST):
            note = f"{len(text):,} characters"
        if not isinstance(value, str):
            language = "value"
        return Part(label, at, language, folded(rows), is_block, note, wide)

    def points_at(self, at: str) -> bool:
        """Whether a finding points at this very argument."""
        return any(spot.pointer == at for spot in self.spots)

    def _language(self, at: str) -> str:
        for fragment in self.reading.fragments:
            if fragment.place.pointer == at and not fragment.nested and fragment.language in _CODE:
                return fragment.language.value
        return "text"

    def _old(self, label: str, at: str, kind: str) -> str | None:
        """The text that this argument replaces: the file's, or the one the call itself names beside it."""
        if kind == "write" and label == "New content":
            alone = next(iter(self.before.values())) if len(self.before) == 1 else None
            return self.before.get(at, alone)
        return self.texts.get(_beside(at))

    def _spans(self, at: str, length: int) -> tuple[Sequence[tuple[int, int, int]], tuple[int, ...]]:
        """The spans to underline, and the numbers of findings about the whole of a text.

        A whole text is underlined only when it is short and nothing narrower is: a line under everything shows nothing.
        """
        spans: list[tuple[int, int, int]] = []
        whole: list[tuple[int, int, int]] = []
        for spot in self.spots:
            start, end = 0, length
            if spot.pointer == at and spot.start is not None:
                start = min(max(spot.start, 0), max(length - 1, 0))
                end = min(max(spot.end if spot.end is not None else start + 1, start + 1), length)
            elif not _covers(spot, at):
                continue
            (whole if end - start == length else spans).append((start, end, spot.number))
        if length <= WIDEST and not spans:
            return whole, ()
        return spans, tuple(number for _, _, number in whole)

    def _effects(self, at: str) -> Sequence[tuple[int, str, str]]:
        """Where in this argument something starts that has an effect of its own."""
        found = [
            (act.place.start or 0, act.effect_class.value, act.sentence)
            for act in self.reading.acts
            if act.place.pointer == at
        ]
        for fragment, sql in self.reading.sql:
            if fragment.place.pointer == at and not fragment.nested:
                found += [
                    (s.start, s.effect_class.value, f"{s.kind} {', '.join(s.tables)}".strip()) for s in sql.statements
                ]
        return sorted(found)


_REPLACED_BY: Final = {"newText": "oldText", "new_string": "old_string", "new_str": "old_str", "new_text": "old_text"}
"""Names under which the common editing tools carry a replacement, and the name of what it replaces."""


def _beside(at: str) -> str:
    """Where the text stands that the one at `at` replaces; a place that does not exist when there is none."""
    head, _, name = at.rpartition("/")
    return f"{head}/{_REPLACED_BY[name]}" if name in _REPLACED_BY else "-"


def _rest(count: int) -> Part:
    """Says what is not drawn, where a call has more values than anyone reads."""
    return Part(f"and {count:,} more values", "", "value", (Fold(count, 0),), is_block=True)


def _lists_joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Short entries of one list become the lines of one row."""
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if last and _list_of(last.pointer) == _list_of(part.pointer) != "" and not (last.is_block or part.is_block):
            joined[-1] = replace(last, label=part.label.rpartition(" › ")[0], body=last.body + part.body)
        else:
            joined.append(part)
    return tuple(joined)


def _list_of(at: str) -> str:
    """The list that a leaf is an entry of; empty when it is none."""
    head, _, step = at.rpartition("/")
    return head if step.isdigit() else ""


def _covers(spot: Spot, at: str) -> bool:
    """Whether a finding without a span points at this argument or at what holds it."""
    return bool(spot.pointer) and (spot.pointer == at or at.startswith(spot.pointer + "/"))


def _breaks(text: str, language: str, reading: Reading, at: str) -> frozenset[int]:
    """Where a new statement starts in the middle of a line."""
    if language == "sql":
        return frozenset(
            s.start
            for fragment, sql in reading.sql
            if fragment.place.pointer == at and not fragment.nested
            for s in sql.statements
        )
    if language != "shell":
        return frozenset()
    found, depth = set(), 0
    for token in tokens(text, language):
        word = text[token.start : token.end] if token.kind == "operator" else ""
        depth += (word in {"(", "$("}) - (word == ")")
        if word in {"&&", "||", ";"} and depth <= 0:
            rest = token.end
            while rest < len(text) and text[rest] == " ":
                rest += 1
            found.add(rest)
    return frozenset(found - {len(text)})


def _as_diff(old: str, new: str, before: Canvas, after: Canvas) -> tuple[str, list[Row]]:
    """The new text's lines among those it takes away, and one sentence about the whole."""
    new_lines, old_lines = _whole_lines(after), _whole_lines(before)
    rows: list[Row] = []
    added = removed = 0
    for row in diff(old.split("\n"), new.split("\n")):
        canvas, whole = (before, old_lines) if row.sign == "-" else (after, new_lines)
        rows.extend(Row(canvas, index, row.sign) for index in whole[row.index])
        added += row.sign == "+"
        removed += row.sign == "-"
    if old == new:
        return "no change: the text is the same", rows
    return f"{_count(added, 'line')} added, {removed:,} removed", rows


def _whole_lines(canvas: Canvas) -> list[list[int]]:
    """Lines of the screen by lines of the text."""
    whole: list[list[int]] = []
    for index, (_, _, goes_on) in enumerate(canvas.spans):
        if goes_on and whole:
            whole[-1].append(index)
        else:
            whole.append([index])
    return whole


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
