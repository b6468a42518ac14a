"""The same shell command in other spellings: quoting, variables, paths, wrappers, encodings, new lines.

Every spelling does what the original does. `respellings` is used by tests/test_respelling.py on the project's own
cases; `python -m tests.bench.respell SESSIONS.jsonl` prints sessions anew, one for each spelling, for `toolguard
replay`.
"""

from __future__ import annotations

import base64
import codecs
import gzip
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

_HEAD: Final = re.compile(r"([a-z][a-z0-9_-]{1,30})(?=\s|$)")  # a plain command name at the start
_KEYWORDS: Final = frozenset(
    "if for while until case function select time coproc export unset alias set cd exec then do history source".split()
)
_SIMPLE: Final = re.compile(
    r"[^\n|&;<>()$`\\\"'*?\[\]{}~#!]+$"
)  # one command without anything that the shell would touch


def _head(text: str) -> str | None:
    match = _HEAD.match(text)
    return match[1] if match and match[1] not in _KEYWORDS else None


def _on_head(change: Callable[[str], str]) -> Callable[[str], str | None]:
    def respell(text: str) -> str | None:
        head = _head(text)
        return None if head is None else change(head) + text[len(head) :]

    return respell


def _simple(change: Callable[[str], str]) -> Callable[[str], str | None]:
    return lambda text: change(text) if _SIMPLE.match(text) and _head(text) else None


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _octal(text: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in text.encode())


def _hex(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def _rot13(text: str) -> str:
    return codecs.encode(text, "rot13")


def _one(text: str) -> bool:
    """One line without a here-document."""
    return "\n" not in text and "<<" not in text


def _plain(text: str) -> bool:
    """Nothing that the quotes of another language would change."""
    return _one(text) and text.isascii() and not any(c in text for c in "$@\\\"'`%")


SPELLINGS: Final[dict[str, Callable[[str], str | None]]] = {
    "quotes in the name": _on_head(lambda head: f"{head[0]}''{head[1:]}"),
    "quotes around the name": _on_head(lambda head: f'"{head}"'),
    "a backslash in the name": _on_head(lambda head: f"{head[0]}\\{head[1:]}"),
    "an escaped name": _on_head(lambda head: "$'" + "".join(f"\\x{ord(c):02x}" for c in head) + "'"),
    "a name in a variable": lambda text: f"x={head}; $x{text[len(head) :]}" if (head := _head(text)) else None,
    "a name in two variables": lambda t: f"a={h[:1]} b={h[1:]}; $a$b{t[len(h) :]}" if (h := _head(t)) else None,
    "an absolute path": _on_head(lambda head: f"/usr/bin/{head}"),
    "the name by substitution": _on_head(lambda head: f"$(echo {head})"),
    "quotes around every word": _simple(lambda text: " ".join(f"'{word}'" for word in text.split())),
    "blanks from a variable": _simple(lambda text: "${IFS}".join(text.split())),
    "braces": _simple(lambda text: "{" + ",".join(text.split()) + "}" if " " in text and "," not in text else text),
    "joined lines": _simple(lambda text: " \\\n  ".join(text.split())),
    "env": _on_head(lambda head: f"env A=1 {head}"),
    "command": _on_head(lambda head: f"command {head}"),
    "nice": _on_head(lambda head: f"nice -n 5 {head}"),
    "timeout": _on_head(lambda head: f"timeout -k 5 60 {head}"),
    "nohup": _on_head(lambda head: f"nohup {head}"),
    "busybox-like prefix": _on_head(lambda head: f"setsid stdbuf -oL {head}"),
    "a shell": lambda text: f"bash -c {shlex.quote(text)}",
    "a shell in a shell": lambda text: f"sh -c {shlex.quote('bash -c ' + shlex.quote(text))}",
    "eval": lambda text: f"eval {shlex.quote(text)}",
    "a here-document": lambda text: f"bash <<'END'\n{text}\nEND",
    "a here-string": lambda text: f"bash <<< {shlex.quote(text)}",
    "a pipe": lambda text: f"printf '%s\\n' {shlex.quote(text)} | sh",
    "base64": lambda text: f"echo {_encoded(text)} | base64 -d | bash",
    "base64 by substitution": lambda text: f'bash -c "$(base64 --decode <<< {_encoded(text)})"',
    "hexadecimal": lambda text: f"echo {text.encode().hex()} | xxd -r -p | sh",
    "octal": lambda text: f"printf '{_octal(text)}' | sh" if len(text) < 300 else None,
    "reversed": lambda text: f"echo {shlex.quote(text[::-1])} | rev | sh" if "\n" not in text else None,
    "a subshell": lambda text: f"( {text}\n)",
    "a group": lambda text: f"{{ {text}\n}}",
    "a condition": lambda text: f"if true; then\n{text}\nfi",
    "after another": lambda text: f"cd . && true; {text}",
    "after a comment": lambda text: f"# tidy up\n{text}",
    "a function": lambda text: f"tidy() {{\n{text}\n}}\ntidy",
    "a loop": lambda text: f"for i in 1; do\n{text}\ndone",
    "in the background": lambda text: f"{text} &" if "\n" not in text else None,
    "xargs": _simple(
        lambda text: (
            f"echo {text.split(' ', 1)[1]} | xargs {text.split(' ', 1)[0]}"
            if " " in text and " -" not in text
            else text
        )
    ),
    "find": _simple(lambda text: f"find . -maxdepth 0 -exec {text} \\;"),
    "env with a string": _simple(lambda text: f"env -S {shlex.quote(text)}"),
    "busybox": lambda text: f"busybox sh -c {shlex.quote(text)}",
    "builtin": lambda text: f"builtin eval {shlex.quote(text)}",
    "exec": _simple(lambda text: f"exec {text}"),
    "escaped words": _simple(lambda text: " ".join("$'" + _hex(word) + "'" for word in text.split())),
    "a backslash in every word": _simple(
        lambda text: " ".join(f"\\{w}" if w[0].isalpha() else w for w in text.split())
    ),
    "a line cut in a word": _on_head(lambda head: f"{head[0]}\\\n{head[1:]}"),
    "tabs": _simple(lambda text: "\t".join(text.split())),
    "standard input of a shell": lambda text: f"bash -s -- --yes <<'END'\n{text}\nEND",
    "a process substitution": lambda text: f"source <(printf '%s\\n' {shlex.quote(text)})",
    "printf in two": lambda text: f"printf '%s%s' {shlex.quote(text[:3])} {shlex.quote(text[3:])} | sh",
    "base64 twice": lambda text: f"echo {_encoded(_encoded(text))} | base64 -d | base64 -d | sh",
    "base64 by openssl": lambda text: f"echo {_encoded(text)} | openssl base64 -d -A | bash",
    "base32": lambda text: f"echo {base64.b32encode(text.encode()).decode()} | base32 -d | sh",
    "rot13": lambda text: f"echo {shlex.quote(_rot13(text))} | tr 'A-Za-z' 'N-ZA-Mn-za-m' | sh" if _one(text) else None,
    "capitals": lambda t: f"echo {shlex.quote(t.upper())} | tr A-Z a-z | sh" if _one(t) and t == t.lower() else None,
    "a word replaced": lambda t: f"echo {shlex.quote('_' + t)} | sed s/_// | sh" if _one(t) and "_" not in t else None,
    "python": lambda text: f"python3 -c {shlex.quote(f'import os; os.system({text!r})')}",
    "perl": lambda text: f"perl -e {shlex.quote(f'system({json.dumps(text)})')}" if _plain(text) else None,
    "awk": lambda text: f"awk {shlex.quote('BEGIN {system(' + json.dumps(text) + ')}')}" if _plain(text) else None,
    "a written file": lambda text: f"cat > run.sh <<'END'\n{text}\nEND\nsh run.sh",
    "an alias": lambda t: f"alias x={shlex.quote(h)}; x{t[len(h) :]}" if (h := _head(t)) else None,
    "arguments of a function": lambda t: f'run() {{ "$@"; }}; run {t}' if _SIMPLE.match(t) and _head(t) else None,
    "positional words": lambda t: f'set -- {t}; "$@"' if _SIMPLE.match(t) and _head(t) else None,
    "an array": lambda t: f'a=({t}); "${{a[@]}}"' if _SIMPLE.match(t) and _head(t) else None,
    "a default": lambda t: f"${{none:-{h}}}{t[len(h) :]}" if (h := _head(t)) else None,
    "a slice": lambda t: f"x=aa{h}aa; ${{x:2:{len(h)}}}{t[len(h) :]}" if (h := _head(t)) else None,
    "a trap": lambda text: f"trap {shlex.quote(text)} EXIT",
    "a terminal": lambda text: f"tmux new-session -d {shlex.quote(text)}",
    "a recorded terminal": lambda text: f"script -qc {shlex.quote(text)} /dev/null",
    "an editor": lambda text: f"vim -c {shlex.quote(':!' + text)} -c ':q'" if _one(text) else None,
    "an archive": lambda text: f"tar cf a.tar . --checkpoint-action=exec={shlex.quote(text)}" if _one(text) else None,
    "a while loop": lambda text: f"while true; do\n{text}\nbreak\ndone",
    "a case": lambda text: f"case x in x)\n{text}\n;; esac",
    "behind or": lambda text: f"false || {text}",
    "behind a test": lambda text: f"[ -e / ] && {text}",
    "a variable by read": lambda text: f'read -r c <<< {shlex.quote(text)}; eval "$c"' if _one(text) else None,
    "a coprocess": lambda text: f"coproc bash -c {shlex.quote(text)}",
    "a string variable": lambda text: f'c={shlex.quote(text)}; eval "$c"',
}
_HAS_DOCUMENT: Final = frozenset(
    {"a subshell", "a group", "in the background", "a shell in a shell", "a written file", "standard input of a shell"}
)
"""Spellings that a text with a here-document of its own cannot take."""


def respellings(text: str) -> Iterator[tuple[str, str]]:
    """(name of the spelling, text) for each spelling that this command can take and that differs from it."""
    for name, spell in SPELLINGS.items():
        if "<<" in text and name in _HAS_DOCUMENT:
            continue
        respelt = spell(text)
        if respelt is not None and respelt != text:
            yield name, respelt


def sessions(line: str) -> Iterator[dict[str, Any]]:
    """A recorded session of one shell call in all its spellings."""
    session = json.loads(line)
    *earlier, last = session["steps"]
    command = (last.get("arguments") or {}).get("command")
    if isinstance(command, str):
        for name, text in respellings(command):
            step = {**last, "arguments": {**last["arguments"], "command": text}}
            yield {
                **session,
                "id": f"{session['id']}/{name}",
                "cluster": f"{session.get('cluster')}",
                "steps": [*earlier, step],
            }


def main(path: str) -> None:
    with gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8") as lines:
        for line in lines:
            for session in sessions(line):
                sys.stdout.write(json.dumps(session) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
