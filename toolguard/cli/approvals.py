"""`toolguard approvals`: what waits for people, and their answers, by the same code as page and REST."""

from __future__ import annotations

from collections.abc import Iterator

import click

from toolguard.cli.asking import (
    TOKEN_VARIABLE,
    Desk,
    at_terminal,
    config_option,
    example,
    json_option,
    opened_desk,
    opened_guard,
    reviewer_here,
    reviewer_of_token,
    reviewer_who_decides,
)
from toolguard.cli.frame import FAILED, OK, report
from toolguard.cli.output import print_json, print_lines, print_table
from toolguard.core.approvals import RequestState
from toolguard.core.canonical import canonical, pretty
from toolguard.core.layout.visible import marks, warnings
from toolguard.core.model import Json
from toolguard.core.secrets.edits import MOST_BYTES
from toolguard.core.secrets.redact import readable
from toolguard.core.strict_json import NotStrict, parse
from toolguard.errors import ConfigError
from toolguard.guard import Approvals, RequestView, Reviewer, VoteResult
from toolguard.guard.approvals import Choice
from toolguard.guard.edits import EditResult
from toolguard.guard.views import STRENGTH

reason_option = click.option(
    "--reason", default="", metavar="TEXT", help="Recorded; of a denial the agent reads it too."
)


_ARGUMENTS_HELP = "JSON of all arguments, `-` for standard input; start from those of `approvals show ID --json`."
arguments_option = click.option("--arguments", type=click.Path(allow_dash=True), metavar="FILE", help=_ARGUMENTS_HELP)


@click.group(epilog=example("toolguard approvals list"))
def approvals() -> None:
    """List, show, approve and deny the calls that wait for people."""


@approvals.command("list", epilog=example("toolguard approvals list --state all --json"))
@click.option(
    "--state",
    type=click.Choice([*(state.value for state in RequestState), "all"]),
    default="pending",
    show_default=True,
    help="Only requests in this state.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many.")
@config_option
@json_option
def list_requests(state: str, limit: int, config: str | None, as_json: bool) -> int:
    """List the requests that wait, the oldest first."""
    with opened_desk(config) as desk:
        found = desk.approvals.list(None if state == "all" else state, limit=limit)
        if as_json:
            print_json([request.as_json() for request in found])
        elif not found:
            click.echo("nothing waits" if state == "pending" else "none")
        else:
            header = ("ID", "GROUP", "CODE", "STATE", "SCORE", "DECIDE BY", "AGENT", "TOOL", "WHAT")
            print_table(header, [_row(request) for request in found])
    return OK


def _row(request: RequestView) -> tuple[str, ...]:
    return (
        request.id,
        request.group,
        request.code,
        request.state,
        str(request.score),
        request.decide_by,
        request.principal["agent"],
        f"{request.server}/{request.tool}",
        request.headline,
    )


@approvals.command("show", epilog=example("toolguard approvals show ap_0123456789abcdef"))
@click.argument("request_id", metavar="ID")
@config_option
@json_option
def show(request_id: str, config: str | None, as_json: bool) -> int:
    """Show one request: what would run, why it waits, and what has been answered."""
    with opened_desk(config) as desk:
        request = _request(desk.approvals, request_id)
        if as_json:
            print_json(request.as_json())
        else:
            print_lines(description(request))
    return OK


@approvals.command("approve", epilog=example('toolguard approvals approve ap_0123456789abcdef --reason "planned"'))
@click.argument("request_id", metavar="ID")
@arguments_option
@reason_option
@config_option
@json_option
def approve(request_id: str, arguments: str | None, reason: str, config: str | None, as_json: bool) -> int:
    """Approve exactly this call; with --arguments, the call with these arguments instead of the agent's.

    Needs a terminal, where the code of the agent's message is typed, or a reviewer's token in the environment variable
    TOOLGUARD_REVIEWER_TOKEN. Exit status 1 when the vote does not count.
    """
    if arguments is not None:
        edited = _edit(request_id, arguments, config)
        if not edited.accepted or edited.request is None:
            return _answer(edited, as_json)
        request_id = edited.request.id
    with opened_desk(config) as desk:
        request = _request(desk.approvals, request_id)
        reviewer = reviewer_of_token(desk.reviewers)
        strength = STRENGTH["account"]
        if reviewer is None:
            reviewer, strength = _person_at_terminal(desk, request), STRENGTH["local"]
        return _vote(desk, request, reviewer, "approve", reason, strength, as_json)


@approvals.command("edit", epilog=example("toolguard approvals edit ap_0123456789abcdef --arguments changed.json"))
@click.argument("request_id", metavar="ID")
@click.option("--arguments", type=click.Path(allow_dash=True), required=True, metavar="FILE", help=_ARGUMENTS_HELP)
@config_option
@json_option
def edit(request_id: str, arguments: str, config: str | None, as_json: bool) -> int:
    """Change the arguments of a waiting call. Approves nothing: the changed call waits as a request of its own.

    Needs a terminal or a reviewer's token, as approving does.
    """
    return _answer(_edit(request_id, arguments, config), as_json)


def _edit(request_id: str, arguments: str, config: str | None) -> EditResult:
    try:
        with click.open_file(arguments, "rb") as stream:
            written = parse(stream.read(MOST_BYTES * 4))
    except OSError as error:
        raise ConfigError(f"`{arguments}` cannot be read: {error.strerror}") from error
    except NotStrict as error:
        raise ConfigError(
            f"the arguments are no JSON: {error}", hint="`approvals show ID --json` prints them"
        ) from None
    with opened_guard(config) as guard:
        reviewer = reviewer_who_decides(guard.reviewers)
        request = _request(guard.approvals, request_id)
        return guard.edits.edit(request.id, reviewer, written, request_digest=request.request_digest, channel="cli")


@approvals.command("deny", epilog=example('toolguard approvals deny ap_0123456789abcdef --reason "wrong table"'))
@click.argument("request_id", metavar="ID")
@reason_option
@config_option
@json_option
def deny(request_id: str, reason: str, config: str | None, as_json: bool) -> int:
    """Deny this call; a denial beats every approval until the call runs. Exit status 1 when the vote does not count."""
    with opened_desk(config) as desk:
        request = _request(desk.approvals, request_id)
        reviewer = reviewer_of_token(desk.reviewers) or reviewer_here(desk.reviewers)
        return _vote(desk, request, reviewer, "deny", reason, STRENGTH["local"], as_json)


@approvals.command("answer", epilog=example("toolguard approvals answer 0123456789abcdef --deny"))
@click.argument("group", metavar="GROUP")
@click.option("--approve/--deny", "approves", required=True, help="The answer to all of them.")
@reason_option
@config_option
@json_option
def answer(group: str, approves: bool, reason: str, config: str | None, as_json: bool) -> int:
    """Answer all waiting calls of a group (`group` of `approvals list --json`): those that are alike.

    Each is voted on by itself; one that changed meanwhile is left out and named. Approving needs a token, or each
    call's code at a terminal. Exit status 1 when an answer does not count.
    """
    with opened_desk(config) as desk:
        waiting = desk.approvals.alike(group)
        if not waiting:
            raise ConfigError(
                f"nothing of the group `{group}` waits", hint="`toolguard approvals list` shows the groups"
            )
        reviewer, strength = reviewer_of_token(desk.reviewers), STRENGTH["account"]
        if reviewer is None:
            reviewer, strength = reviewer_here(desk.reviewers), STRENGTH["local"]
            for request in waiting if approves else ():
                _person_at_terminal(desk, request)
        digests = {request.id: request.request_digest for request in waiting}
        choice: Choice = "approve" if approves else "deny"
        results = desk.approvals.vote_together(
            group, digests, reviewer, choice, channel="cli", strength=strength, reason=reason
        )
    if as_json:
        print_json(
            [{"id": name, "accepted": r.accepted, "code": r.code, "text": r.text} for name, r in results.items()]
        )
    else:
        print_table(("ID", "COUNTS", "WHY"), [(name, r.code, r.text) for name, r in results.items()])
    return OK if all(result.accepted for result in results.values()) else FAILED


@approvals.command("revoke", epilog=example("toolguard approvals revoke ap_0123456789abcdef"))
@click.argument("request_id", metavar="ID")
@reason_option
@config_option
@json_option
def revoke(request_id: str, reason: str, config: str | None, as_json: bool) -> int:
    """Take an approval back before it is used."""
    with opened_desk(config) as desk:
        _request(desk.approvals, request_id)
        reviewer = reviewer_of_token(desk.reviewers) or reviewer_here(desk.reviewers)
        return _answer(desk.approvals.revoke(request_id, reviewer, reason, "cli"), as_json)


@approvals.command(
    "settle", epilog=example('toolguard approvals settle ex_0123456789abcdef --done --note "row is gone"')
)
@click.argument("execution_id", metavar="EXECUTION")
@click.option("--done/--not-done", required=True, help="Whether the call took place.")
@click.option("--note", required=True, metavar="TEXT", help="How you know.")
@config_option
@json_option
def settle(execution_id: str, done: bool, note: str, config: str | None, as_json: bool) -> int:
    """Say whether a call of unknown end took place, so that its like may run again."""
    with opened_desk(config) as desk:
        reviewer = reviewer_of_token(desk.reviewers)
        if reviewer is None:
            _need_terminal("settling")
            reviewer = reviewer_here(desk.reviewers)
        return _answer(desk.approvals.settle(execution_id, reviewer, done=done, note=note, channel="cli"), as_json)


def _request(approvals: Approvals, request_id: str) -> RequestView:
    request = approvals.show(request_id)
    if request is None:
        raise ConfigError(f"there is no approval request `{request_id}`", hint="`toolguard approvals list` shows all")
    return request


def _need_terminal(what: str) -> None:
    if not at_terminal():
        raise ConfigError(
            f"{what} needs a terminal, or a reviewer's token in {TOKEN_VARIABLE}",
            hint="an agent can run commands too, so a plain command is not enough",
        )


def _person_at_terminal(desk: Desk, request: RequestView) -> Reviewer:
    """Shows the request and takes the code. Raises ConfigError without a terminal, or when the code differs."""
    _need_terminal("approving")
    reviewer = reviewer_here(desk.reviewers)
    print_lines(description(request, with_code=False))
    typed = click.prompt(
        "Type the code of the agent's message to approve exactly this call", default="", show_default=False
    )
    code = request.edited.code if request.edited else request.code
    if typed.strip().upper().replace("-", "") != code.replace("-", ""):
        raise ConfigError(
            f"`{typed}` is not the code of this request, so nothing was approved",
            hint="the code stands in the agent's message; another code means another call",
        )
    return reviewer


def _vote(
    desk: Desk,
    request: RequestView,
    reviewer: Reviewer,
    choice: Choice,
    reason: str,
    strength: int,
    as_json: bool,
) -> int:
    result = desk.approvals.vote(
        request.id,
        reviewer,
        choice,
        request_digest=request.request_digest,
        channel="cli",
        strength=strength,
        reason=reason,
    )
    return _answer(result, as_json)


def _answer(result: VoteResult | EditResult, as_json: bool) -> int:
    if as_json:
        request = result.request.as_json() if result.request else None
        print_json({"accepted": result.accepted, "code": result.code, "text": result.text, "request": request})
    elif result.accepted:
        name = f" {result.request.id}" if result.request and isinstance(result, EditResult) else ""
        state = f"; the request{name} is now {result.request.state}" if result.request else ""
        print_lines([result.text + state])
    else:
        report(f"{result.text} ({result.code})", "`toolguard approvals show ID` shows where the request stands")
    return OK if result.accepted else FAILED


def _plain(value: Json) -> str:
    return canonical(readable(value)).decode()


def description(request: RequestView, *, with_code: bool = True) -> Iterator[str]:
    """A request for a person, in the order of a reviewer's questions."""
    who = request.principal
    yield f"{request.id}  {request.state}" + (f"  code {request.code}" if with_code else "")
    client = request.client or "unknown"
    yield f"who      agent {who['agent']} for {who['person']}, client {client}, server {request.server}"
    yield f"what     {request.headline}"
    yield f"tool     {request.tool}"
    if request.edited:
        yield f"changed  by {' and '.join(request.edited.by)}; the agent asked with {_plain(request.edited.asked)}"
    text = pretty(readable(request.arguments))
    for number, piece in enumerate(text.split("\n")):
        yield ("run      " if number == 0 else "         ") + piece
    for warning in warnings(marks(text)):
        yield f"beware   {warning}"
    yield f"why      score {request.score}, class {request.effect_class}"
    for finding in request.findings:
        place = f" at {finding['pointer']}" if finding.get("pointer") else ""
        yield f"         {finding['points']:>3}  {finding['id']}{place}: {finding['message']}"
    yield from (f"         {fact}" for fact in request.shown["facts"])
    yield from (f"diff     {line}" for line in request.shown.get("differences") or ())
    if request.justification:
        yield f"claim    the agent says: {request.justification}"
    if request.prompt:
        yield f"asked    {request.prompt}"
    yield f"until    {request.decide_by}"
    for vote in request.votes:
        cast = f"{vote['reviewer']}: {vote['choice']} by {vote['channel']} at {vote['at']} {vote['reason']}"
        yield f"vote     {cast.rstrip()}"
    if request.audit:
        yield f"audit    {request.audit['size']}/{request.audit['root']}"
    if request.execution:
        yield f"run as   {request.execution['id']}: {request.execution['state']}"
