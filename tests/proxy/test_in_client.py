"""Asking the person at the client: where a policy opens it, in both protocols, and as the weakest voice there is."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client, StdioServerParameters
from mcp.client.session import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from tests.proxy.process import proxied, until, vote
from tests.proxy.rig import MODERN, Message, Rig
from tests.proxy.test_real_peers import LEGACY, environment, ts_plan, typescript
from toolguard import config as configuration
from toolguard.config import ApprovalSettings, Config
from toolguard.core.model import Effect, Principal, ToolCall
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Preset, Rule
from toolguard.core.policy.terms import Terms
from toolguard.guard import Guard, Pending, Reviewer
from toolguard.guard.in_client import AT_LEAST_SECONDS

OPEN = Terms(in_client=True)
FORMS: Message = {"elicitation": {}}
YES = {"action": "accept", "content": {"decision": "approve"}}
ERAS = pytest.mark.parametrize("is_modern", [False, True], ids=["legacy", "modern"])


def rules(*terms: Terms) -> tuple[Rule, ...]:
    safe = Rule("safe", Effect.ALLOW, Match(tool=("safe*",)))
    return (safe, *(Rule(f"r{i}", Effect.ASK, Match(tool=("risky*",)), terms=one) for i, one in enumerate(terms)))


class Asking(Rig):
    """A relay whose client shows forms, and the person at it."""

    is_modern = False
    capabilities: Message = FORMS
    question: Message | None = None
    """The form that the person sees, with the id or state under which the answer goes back."""

    def start(self, is_modern: bool, capabilities: Message) -> Asking:
        self.is_modern, self.capabilities = is_modern, capabilities
        if not is_modern:
            params = {"capabilities": capabilities, "clientInfo": {"name": "c"}, "protocolVersion": "2025-11-25"}
            self.client({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
            self.answer(0, protocolVersion="2025-11-25", capabilities={}, serverInfo={"name": "s"})
        self.listed()
        return self

    @property
    def meta(self) -> Message:
        return {**MODERN, "io.modelcontextprotocol/clientCapabilities": self.capabilities}

    def ask(self, id: int | str = 1, **arguments: Any) -> Message | None:
        """Make a risky call; the form that it brings up."""
        self.forget()
        self.call("risky_delete", id=id, meta=self.meta if self.is_modern else None, **arguments)
        self.question = None
        for message in self.seen_by_client:
            result = message.get("result", {})
            if message.get("method") == "elicitation/create":
                self.question = {**message["params"], "key": message["id"]}
            elif result.get("resultType") == "input_required":
                form = result["inputRequests"]["toolguard.approval"]
                self.question = {**form["params"], "key": result["requestState"]}
        return self.question

    def reply(self, reply: Any, id: int | str = 2, *, state: str | None = None, **arguments: Any) -> None:
        """What the person answers, as the client brings it back."""
        assert self.question is not None
        key = state or self.question["key"]
        if not self.is_modern:
            self.client({"jsonrpc": "2.0", "id": key, "result": reply})
        else:
            answers = {"inputResponses": {"toolguard.approval": reply}, "requestState": key}
            params = {"name": "risky_delete", "arguments": arguments, "_meta": self.meta, **answers}
            self.client({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
        self.wait(0.05)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Any]:
    """Makes guards for policies; the operating-system user is a reviewer unless told otherwise."""
    with ExitStack() as stack:

        def make(policy: Policy, settings: ApprovalSettings, *, enrolled: bool = True) -> Guard:
            config = Config(home=tmp_path / "home", agent="claude", policy=policy, approvals=settings)
            guard = stack.enter_context(Guard(configuration.with_obligations(config)))
            if enrolled:
                guard.reviewers.add("ada", person=configuration.person())
            return guard

        yield make


@pytest.fixture
def guard(made: Any) -> Guard:
    opened: Guard = made(Policy(Preset.BALANCED, rules(OPEN)), ApprovalSettings())
    return opened


ON = ApprovalSettings(in_client=True)
OFF = ApprovalSettings()
ALTER, DROP = {"sql": "ALTER TABLE x DROP COLUMN y"}, {"sql": "DROP TABLE users"}


@pytest.mark.guarantee("vote:in-client-is-weakest")
@ERAS
@pytest.mark.parametrize(
    ("terms", "settings", "capabilities", "arguments", "is_asked"),
    [
        ([OPEN], OFF, FORMS, {}, True),
        ([OPEN], OFF, {"elicitation": {"form": {}, "url": {}}}, {}, True),
        ([Terms()], ON, FORMS, {}, True),
        ([OPEN, Terms(in_client=True, decide_within=60)], OFF, FORMS, {}, True),
        # The preset asks as well, and follows the configuration alone.
        ([OPEN], ON, FORMS, ALTER, True),
        ([OPEN], OFF, FORMS, ALTER, False),
        # Off: by default, by a rule, or by any other rule that asks.
        ([Terms()], OFF, FORMS, {}, False),
        ([Terms(in_client=False)], ON, FORMS, {}, False),
        ([OPEN, Terms()], OFF, FORMS, {}, False),
        # Never for a high score.
        ([OPEN], ON, FORMS, DROP, False),
        # Never where more is asked for.
        ([replace(OPEN, strength=1)], ON, FORMS, {}, False),
        ([replace(OPEN, strength=4)], ON, FORMS, {}, False),
        ([replace(OPEN, need=2)], ON, FORMS, {}, False),
        ([replace(OPEN, groups=("dba",))], ON, FORMS, {}, False),
        ([replace(OPEN, each=(("dba", 1),))], ON, FORMS, {}, False),
        ([replace(OPEN, separation="owner")], ON, FORMS, {}, False),
        ([OPEN], replace(ON, separation="owner"), FORMS, {}, False),
        # Only where the client says that it shows forms.
        ([OPEN], OFF, {}, {}, False),
        ([OPEN], OFF, {"elicitation": {"url": {}}}, {}, False),
        ([OPEN], OFF, {"elicitation": None, "sampling": {}}, {}, False),
        ([OPEN], OFF, {"elicitation": {"form": True}}, {}, False),
        # Only what a form can show whole.
        ([OPEN], OFF, FORMS, {"note": "x" * 1_900}, True),
        ([OPEN], OFF, FORMS, {"note": "x" * 2_001}, False),
    ],
)
def test_who_is_asked_in_the_client(
    made: Any,
    is_modern: bool,
    terms: list[Terms],
    settings: ApprovalSettings,
    capabilities: Message,
    arguments: Message,
    is_asked: bool,
) -> None:
    rig = Asking(made(Policy(Preset.BALANCED, rules(*terms)), settings)).start(is_modern, capabilities)

    assert (rig.ask(**arguments) is not None) == is_asked
    assert len(rig.guard.approvals.list()) == 1
    assert rig.to_server == []


@ERAS
def test_without_a_reviewer_who_is_this_user_nobody_is_asked(made: Any, is_modern: bool) -> None:
    guard = made(Policy(Preset.BALANCED, rules(OPEN)), OFF, enrolled=False)
    guard.reviewers.add("bob")

    assert Asking(guard).start(is_modern, FORMS).ask() is None


def test_clients_of_another_user_are_never_asked(guard: Guard) -> None:
    guard.reviewers.add("agent-user", person="agent-user")
    who = Principal("claude", "agent-user", "files")
    pending = guard.begin(ToolCall("files", "risky_delete", {}, who))
    own = guard.begin(ToolCall("files", "risky_delete", {}, guard.principal("files")))
    assert isinstance(pending, Pending)
    assert isinstance(own, Pending)

    assert guard.in_client.question(pending) is None
    assert guard.in_client.question(own) is not None


RUNS, DENIED, WAITS = "runs", "denied", "waits"


@ERAS
@pytest.mark.parametrize(
    ("reply", "seconds", "end"),
    [
        (YES, 3, RUNS),
        ({"action": "accept", "content": {"decision": "approve", "reason": "as agreed"}}, 3, RUNS),
        ({"action": "accept", "content": {"decision": "deny", "reason": "not now"}}, 3, DENIED),
        ({"action": "decline"}, 3, DENIED),
        # Faster than anybody reads: a client that answers by itself.
        (YES, 0.5, WAITS),
        ({"action": "decline"}, 0.5, WAITS),
        # Nothing said, or not in the words that were asked for.
        ({"action": "cancel"}, 3, WAITS),
        ({"action": "accept"}, 3, WAITS),
        ({"action": "accept", "content": {}}, 3, WAITS),
        ({"action": "accept", "content": {"decision": "Approve"}}, 3, WAITS),
        ({"action": "accept", "content": {"decision": True}}, 3, WAITS),
        ({"action": "accept", "content": ["approve"]}, 3, WAITS),
        ({"action": "cancel", "content": {"decision": "approve"}}, 3, WAITS),
        ({"action": ["accept"], "content": {"decision": "approve"}}, 3, WAITS),
        ("approve", 3, WAITS),
        (None, 3, WAITS),
    ],
)
def test_only_a_whole_and_explicit_yes_is_one(
    guard: Guard, is_modern: bool, reply: Any, seconds: float, end: str
) -> None:
    rig = Asking(guard).start(is_modern, FORMS)
    rig.ask(what="cellar")
    rig.wait(seconds)
    rig.forget()

    rig.reply(reply, what="cellar")

    assert [message["params"]["arguments"] for message in rig.seen_by_server] == [{"what": "cellar"}] * (end == RUNS)
    assert (len(guard.approvals.list()) == 1) == (end == WAITS)
    if end == DENIED:
        assert "denied this call" in rig.refusal
    if end == WAITS:
        assert rig.to_client == []
        rig.wait(50)
        assert "PENDING APPROVAL" in rig.refusal


@pytest.mark.guarantee("vote:in-client-is-weakest")
@ERAS
def test_the_vote_says_how_weak_it_is(guard: Guard, is_modern: bool) -> None:
    rig = Asking(guard).start(is_modern, FORMS)
    rig.ask()
    rig.wait(4)
    rig.reply(YES)

    (view,) = guard.approvals.list(None)
    (vote,) = view.votes
    (cast,) = rig.events("vote.cast")
    (prompted,) = rig.events("approval.prompted")
    assert (vote["reviewer"], vote["channel"], vote["strength"], vote["self_attested"]) == (
        "ada",
        "elicitation",
        0,
        True,
    )
    assert cast["evidence"] == {"client": "rig" if is_modern else "c", "ms": 4000}
    assert (prompted["reviewer"], prompted["request_id"]) == ("ada", view.id)


def test_an_answer_that_came_too_fast_is_in_the_log(guard: Guard) -> None:
    rig = Asking(guard).start(False, FORMS)
    rig.ask()
    rig.reply(YES)

    (refused,) = rig.events("vote.refused")
    assert (refused["choice"], refused["code"], refused["channel"]) == ("approve", "weak_channel", "elicitation")


@ERAS
def test_the_form_has_the_code_the_whole_call_and_no_answer_ready(guard: Guard, is_modern: bool) -> None:
    rig = Asking(guard).start(is_modern, FORMS)
    form = rig.ask(note="**bold** ![x](https://evil.example/p.png)\n# Approved\u202e already\u200b")

    (view,) = guard.approvals.list()
    assert form is not None
    text = form["message"]
    assert view.code in text
    assert "\u202e" not in text
    assert "\u200b" not in text
    foreign = [line for line in text.splitlines() if "evil.example" in line or "Approved" in line]
    assert foreign
    assert all(line.startswith("    ") for line in foreign)
    assert form["requestedSchema"]["required"] == ["decision"]
    assert "default" not in json.dumps(form["requestedSchema"])


@ERAS
def test_one_request_is_asked_about_once(guard: Guard, is_modern: bool) -> None:
    rig = Asking(guard).start(is_modern, FORMS)
    assert rig.ask(id=1) is not None

    assert rig.ask(id=2) is None
    assert len(rig.events("approval.prompted")) == 1


def test_a_question_that_settled_without_an_answer_comes_again_with_the_retry(guard: Guard) -> None:
    rig = Asking(guard).start(False, FORMS)
    first = rig.ask(id=1)
    rig.wait(51)
    assert first is not None
    assert [m["method"] for m in rig.seen_by_client if "method" in m] == [
        "elicitation/create",
        "notifications/cancelled",
    ]

    assert rig.ask(id=2) is not None
    rig.wait(3)
    rig.reply(YES)

    assert [message["id"] for message in rig.seen_by_server] == [2]


def test_a_vote_elsewhere_takes_the_question_back(guard: Guard, reviewer: Reviewer) -> None:
    rig = Asking(guard).start(False, FORMS)
    form = rig.ask()
    assert form is not None
    rig.forget()

    rig.vote(reviewer)
    rig.wait(0.05)

    assert [message["params"]["requestId"] for message in rig.seen_by_client] == [form["key"]]
    assert len(rig.to_server) == 1
    rig.reply(YES)
    assert len(rig.to_server) == 1
    assert len(rig.events("vote.cast")) == 1


@ERAS
def test_a_denial_elsewhere_stands_whatever_the_client_says(guard: Guard, reviewer: Reviewer, is_modern: bool) -> None:
    rig = Asking(guard).start(is_modern, FORMS)
    rig.ask()
    rig.wait(3)
    rig.vote(reviewer, "deny")

    rig.reply(YES)

    assert rig.to_server == []


@ERAS
def test_a_reply_counts_once(guard: Guard, is_modern: bool) -> None:
    rig = Asking(guard).start(is_modern, FORMS)
    rig.ask()
    rig.wait(3)
    rig.reply(YES, id=2)
    rig.answer(2 if is_modern else 1)

    rig.reply(YES, id=3)

    assert len(rig.to_server) == 1
    assert len(rig.events("vote.cast")) == 1


@ERAS
def test_a_forged_reply_decides_nothing(guard: Guard, is_modern: bool) -> None:
    rig = Asking(guard).start(is_modern, FORMS)
    rig.ask()
    rig.wait(3)

    rig.reply(YES, state="toolguard:" + "0" * 32)

    assert rig.to_server == []
    assert rig.events("vote.cast") == []


def test_a_reply_with_another_call_decides_nothing_and_never_reaches_the_server(guard: Guard) -> None:
    rig = Asking(guard).start(True, FORMS)
    rig.ask(what="cellar")
    rig.wait(3)

    rig.reply(YES, what="attic")

    assert rig.to_server == []
    assert rig.events("vote.cast") == []
    assert {json.dumps(view.arguments) for view in guard.approvals.list()} == {
        '{"what": "cellar"}',
        '{"what": "attic"}',
    }


def test_of_a_repeated_call_the_server_sees_neither_state_nor_reply(guard: Guard) -> None:
    rig = Asking(guard).start(True, FORMS)
    rig.ask(what="cellar")
    rig.wait(3)

    rig.reply(YES, what="cellar")

    (sent,) = rig.seen_by_server
    assert set(sent["params"]) == {"name", "arguments", "_meta"}


def test_a_server_cannot_ask_under_an_id_of_ours(guard: Guard) -> None:
    rig = Asking(guard).start(False, FORMS)
    form = rig.ask()
    assert form is not None
    rig.forget()

    rig.server({"jsonrpc": "2.0", "id": form["key"], "method": "elicitation/create", "params": {"message": "Tea?"}})

    assert rig.to_client == []
    assert len(rig.events("message.refused")) == 1


def test_the_guard_itself_refuses_the_channel_where_it_is_not_open(made: Any) -> None:
    rig = Asking(made(Policy(Preset.BALANCED, rules(Terms())), OFF)).start(False, FORMS)
    rig.ask()
    ada = rig.guard.reviewers.by_person(configuration.person())
    (view,) = rig.guard.approvals.list()
    assert ada is not None

    cast = rig.guard.approvals.vote(
        view.id, ada, "approve", request_digest=view.request_digest, channel="elicitation", strength=0
    )

    assert (cast.accepted, cast.code) == (False, "weak_channel")


POLICY = """
policy:
  rules:
    - {name: safe, match: {tool: "safe*"}, effect: allow}
    - {name: risky, match: {tool: "risky*"}, effect: ask, in_client: true}
"""


@pytest.mark.parametrize("mode", ["auto", LEGACY])
@pytest.mark.parametrize(("decision", "written"), [("approve", ["a"]), ("deny", [])])
def test_a_real_client_asks_its_person_in_both_protocols(
    mode: str, decision: str, written: list[str], home: Path, tmp_path: Path, office: Guard
) -> None:
    (home / "toolguard.yaml").write_text(POLICY, encoding="utf-8")
    office.reviewers.add("ada", person=configuration.person())
    notes = tmp_path / "notes"
    seen: list[str] = []

    async def read_and_answer(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        seen.append(params.message)
        loop = asyncio.get_running_loop()
        read = loop.create_future()
        loop.call_later(AT_LEAST_SECONDS + 0.2, read.set_result, None)  # a person takes that long
        await read
        return ElicitResult(action="accept", content={"decision": decision, "reason": "my cellar"})

    async def talk() -> str:
        server = Path(__file__).parent / "servers" / "noting.py"
        command = proxied([sys.executable, str(server), str(notes)])
        parameters = StdioServerParameters(command=command[0], args=command[1:], env=environment(home))
        async with Client(parameters, mode=mode, elicitation_callback=read_and_answer) as client:
            await client.list_tools()
            return str((await client.call_tool("risky_note", {"text": "a"})).content)

    said = asyncio.run(talk())

    assert (notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []) == written
    assert len(seen) == 1
    assert "risky_note" in seen[0]
    assert ("my cellar" in said) == (decision == "deny")
    (view,) = office.approvals.list(None)
    assert [(vote["channel"], vote["strength"]) for vote in view.votes] == [("elicitation", 0)]


@pytest.mark.parametrize("client", [{"sdk": "v1"}, {"mode": "legacy"}, {"mode": "auto"}], ids=["v1", "v2", "v2-auto"])
def test_a_real_client_that_declines_by_itself_leaves_the_call_to_people(
    client: dict[str, str], home: Path, tmp_path: Path, office: Guard
) -> None:
    (home / "toolguard.yaml").write_text(POLICY, encoding="utf-8")
    office.reviewers.add("ada", person=configuration.person())
    notes = tmp_path / "notes"
    command = proxied([sys.executable, str(Path(__file__).parent / "servers" / "noting.py"), str(notes)])

    def decide() -> None:
        until(lambda: office.store.read("SELECT 1 FROM audit_event WHERE kind = 'vote.refused'"), "the client's answer")
        vote(office)

    person = threading.Thread(target=decide)
    person.start()
    seen = typescript(ts_plan(command, [("risky_note", {"text": "a"})], home, **client))
    person.join()

    assert seen["asked"] == ["elicitation/create"]
    assert "kept" in json.dumps(seen["results"])
    assert notes.read_text(encoding="utf-8") == "a\n"
    (view,) = office.approvals.list(None)
    assert [(cast["reviewer"], cast["channel"]) for cast in view.votes] == [("bob", "rest")]


REPLIES: st.SearchStrategy[Any] = st.sampled_from(
    [YES, YES, {"action": "decline"}, {"action": "cancel"}, {}, None, "x"]
)
STEP = st.one_of(
    st.tuples(st.just("call"), st.sampled_from(["cellar", "attic"])),
    st.tuples(st.just("wait"), st.sampled_from([0.3, 2.0, 60.0])),
    st.tuples(st.just("reply"), st.tuples(st.integers(-2, 2), REPLIES, st.sampled_from(["cellar", "attic"]))),
    st.tuples(st.just("server"), st.integers(0, 9)),
)


@ERAS
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(steps=st.lists(STEP, max_size=12))
def test_whatever_is_replied_a_call_runs_only_on_a_yes_to_that_very_call(
    tmp_path: Path, is_modern: bool, steps: list[tuple[str, Any]]
) -> None:
    config = Config(home=Path(tempfile.mkdtemp(dir=tmp_path)), policy=Policy(Preset.BALANCED, rules(OPEN)))
    with Guard(config) as guard:
        guard.reviewers.add("ada", person=configuration.person())
        rig = Asking(guard).start(is_modern, FORMS)
        sent, keys = [], ["toolguard:" + "f" * 32]

        for number, (kind, what) in enumerate(steps):
            sent += rig.seen_by_server
            rig.forget()
            if kind == "call":
                rig.ask(id=f"c{number}", what=what)
                keys += [rig.question["key"]] if rig.question else []
            elif kind == "reply":
                place, reply, about = what
                rig.question = {}
                rig.reply(reply, f"r{number}", state=keys[place % len(keys)], what=about)
            elif kind == "wait":
                rig.wait(what)
            else:
                rig.answer(f"c{what}")
        sent += rig.seen_by_server

        views = guard.approvals.list(None)
        yes = [view.arguments["what"] for view in views if any(vote["choice"] == "approve" for vote in view.votes)]
        assert sorted(message["params"]["arguments"]["what"] for message in sent) == sorted(yes)
