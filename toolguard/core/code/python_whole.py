"""Dangers of a Python program that no single call shows: in a loop, with its environment, with a connection.

Also the calls of cloud, cluster and database libraries, whose methods say in their names what they destroy.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from toolguard.core.acts import Contact, FileOp
from toolguard.core.code.python_values import LIBRARIES
from toolguard.core.model import Confidence, EffectClass, Severity

if TYPE_CHECKING:
    from toolguard.core.code.python import Program

_COPIES: Final = frozenset({"os.fork", "multiprocessing.Process", "threading.Thread", "subprocess.Popen"})
_STOPS: Final = (ast.Break, ast.Return, ast.Raise, ast.Yield, ast.YieldFrom, ast.Await)
_GROWS: Final = frozenset({"append", "extend", "write"})
_DESTROYS: Final = re.compile(
    r"(?:batch_)?(?:delete|terminate|destroy|drop|purge|flush|deregister|revoke|remove|wipe|truncate|schedule_key_deletion)"
)
_GRANTS: Final = re.compile(
    r"(?:attach_\w*policy|put_\w*policy|create_(?:access_key|user|login_profile|role|policy|token)|add_user_to|add_role|update_assume|set_iam_policy|create_\w*role_binding|put_bucket_acl)"
)
_READS_SECRETS: Final = re.compile(
    r"(?:batch_)?get_secret|access_secret|get_parameters?_by_path|read_secret|get_credential"
)
_WHOLE_ENVIRONMENT: Final = re.compile(
    r"os\.environ(?!\s*(?:\[|\.get\b|\.setdefault\b|\.pop\b|\.update\b))|\bos\.environb\b"
)


def judge(program: Program, nodes: list[ast.AST]) -> None:
    """Add what the program as a whole does."""
    _connections(program)
    _loops(program, nodes)
    _libraries(program, nodes)
    _internals(program, nodes)
    _looks_up(program, nodes)
    _sends(program, nodes)
    collector = program.collector
    touched = {FileOp.WRITE, FileOp.LIST, FileOp.DELETE}
    if "encrypts" in program.marks and any(use.op in touched for use in collector.files):
        collector.add("code.encrypts", EffectClass.WRITE, "encrypts files", program.place, "python")


def _connections(program: Program) -> None:
    if "connects" in program.marks and program.marks & {"dup2", "spawns"}:
        sentence = "runs commands for whoever is at the other end of a connection"
        program.collector.add("shell.reverse-shell", EffectClass.GRANT, sentence, program.place, "python")


def _loops(program: Program, nodes: list[ast.AST]) -> None:
    add, place = program.collector.add, program.place
    for node in nodes:
        if not isinstance(node, ast.While | ast.For):
            continue
        inside = list(ast.walk(node))
        called = {program.dotted(one.func) for one in inside if isinstance(one, ast.Call)}
        endless = isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)
        if endless and called & _COPIES:
            add("shell.fork-bomb", EffectClass.EXECUTE, "starts copies of itself without end", place, "python")
        elif endless and not any(isinstance(one, _STOPS) for one in inside):
            last = {name.rpartition(".")[2] for name in called}
            if last and last <= _GROWS:
                add("system.exhausts", EffectClass.EXECUTE, "fills memory or disk without end", place, "python")
        if any(name.startswith("socket.") and name.endswith((".connect", ".connect_ex")) for name in called):
            add("network.scans", EffectClass.SEND, "tries one address or port after another", place, "python")
        if called & {"os.kill", "psutil.Process.kill"}:
            add("system.kills", EffectClass.ADMINISTER, "kills one program after another", place, "python")


def _libraries(program: Program, nodes: list[ast.AST]) -> None:
    for node in nodes:
        name = program.dotted(node.func) if isinstance(node, ast.Call) else ""
        if name.partition(".")[0] not in LIBRARIES or "." not in name:
            continue
        method = name.rpartition(".")[2]
        if _GRANTS.match(method):
            sentence = f"calls {method}, which changes who may do what"
            program.collector.add("identity.cloud-access", EffectClass.GRANT, sentence, program.place, name)
        elif _READS_SECRETS.match(method):
            sentence = f"calls {method}, which reads a secret"
            add, place = program.collector.add, program.place
            add(
                "infrastructure.reads-secrets",
                EffectClass.READ,
                sentence,
                place,
                name,
                Severity.MEDIUM,
                Confidence.HIGH,
            )
        elif _DESTROYS.match(method):
            sentence = f"calls {method}, which removes something for good"
            program.collector.add("infrastructure.deletes", EffectClass.DELETE, sentence, program.place, name)


_INTERNALS: Final = frozenset({"__subclasses__", "__globals__", "__builtins__", "__code__", "__closure__", "__mro__"})


def _internals(program: Program, nodes: list[ast.AST]) -> None:
    """`().__class__.__base__.__subclasses__()`: nobody reaches for a function on that way who could name it."""
    reached = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    keys = (node.slice for node in nodes if isinstance(node, ast.Subscript))
    reached |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
    if "__subclasses__" in reached or ("__globals__" in reached and len(reached & _INTERNALS) > 1):
        sentence = "reaches for functions through the insides of objects, which hides what it calls"
        program.collector.add("shell.dynamic-command", EffectClass.EXECUTE, sentence, program.place, "python")


_LOOKS_UP: Final = re.compile(r"(?:gethostbyname\w*|getaddrinfo|getfqdn|resolve|query|resolver\.\w+)$")


def _looks_up(program: Program, nodes: list[ast.AST]) -> None:
    """A name to look up that is put together from what a file or the machine says."""
    for node in nodes:
        if not (isinstance(node, ast.Call) and node.args and _LOOKS_UP.search(program.dotted(node.func))):
            continue
        source = ast.unparse(node.args[0])
        if "." in source and any(
            word in source for word in ("open(", "read(", "read_text(", "environ", "hex(", "b64enc")
        ):
            contact = Contact("//?", program.place, "DNS", ("-",), program="python")
            program.collector.contacts.append(contact)


def _sends(program: Program, nodes: list[ast.AST]) -> None:
    """What was read, or the whole environment, leaves in a request."""
    sending = [contact for contact in program.sent if contact.method not in ("GET", "HEAD")]
    files = tuple(program.read_files[:5]) if sending else ()
    if program.sent and any(
        _WHOLE_ENVIRONMENT.search(ast.unparse(node)) for node in nodes if isinstance(node, ast.stmt)
    ):
        files, sending = (*files, "/proc/self/environ"), program.sent
    for contact in sending[:3] if files else ():
        address = contact.address or "//?"
        program.collector.contacts.append(
            Contact(address, program.place, contact.method, files, program=contact.program)
        )
