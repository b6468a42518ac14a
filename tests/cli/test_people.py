"""Approvals and reviewers on the command line: who may decide, how, and what they are shown."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run, asked
from toolguard import config as configuration
from toolguard.cli.approvals import description
from toolguard.guard import Guard, Permit, Refusal, RequestView


def shown(guard: Guard, request_id: str) -> RequestView:
    request = guard.approvals.show(request_id)
    assert request is not None
    return request


def test_a_reviewer_is_enrolled_once_with_a_token_and_a_link(run: Run) -> None:
    ran = run("reviewers", "add", "alice", "--group", "dba", "--group", "ops", "--json")

    assert ran.status == 0
    assert ran.json.keys() >= {"name", "token", "link"}
    assert ran.json["link"].startswith("http://localhost:8787/sign-in?code=")
    (listed,) = run("reviewers", "list", "--json").json
    assert (listed["name"], listed["groups"], listed["person"]) == ("alice", ["dba", "ops"], "")
    again = run("reviewers", "add", "alice")
    assert (again.status, again.out) == (2, "")


def test_a_removed_reviewer_is_gone_with_the_token(run: Run, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    token = run("reviewers", "add", "alice", "--json").json["token"]
    request = asked(guard).request_id

    assert run("reviewers", "remove", "alice").status == 0

    monkeypatch.setenv("TOOLGUARD_REVIEWER_TOKEN", token)
    assert run("reviewers", "list", "--json").json == []
    ran = run("approvals", "approve", request)
    assert ran.status == 2
    assert "belongs to no reviewer" in ran.err
    assert token not in ran.err
    assert run("reviewers", "remove", "alice").status == 2


def test_a_new_link_signs_in_an_old_reviewer(run: Run, guard: Guard) -> None:
    run("reviewers", "add", "alice")

    link = run("reviewers", "link", "alice", "--json").json["link"]

    assert guard.reviewers.redeem(link.partition("code=")[2]) is not None
    assert run("reviewers", "link", "nobody").status == 2


def test_what_waits_is_listed_as_scripts_expect_it(run: Run, guard: Guard) -> None:
    pending = asked(guard)

    (listed,) = run("approvals", "list", "--json").json

    assert listed["id"] == pending.request_id
    assert listed.keys() >= {
        "id", "state", "request_digest", "code", "server", "tool", "arguments", "score", "findings", "principal",
        "created", "decide_by",
    }  # fmt: skip
    assert pending.code in run("approvals", "list").out
    assert run("approvals", "list", "--state", "denied", "--json").json == []
    assert run("approvals", "show", pending.request_id, "--json").json == listed
    assert not [e for e in run("audit", "list", "--kind", "policy.loaded", "--json").json if e["seq"] > 2]


@pytest.mark.parametrize("words", [["show"], ["approve"], ["deny"], ["revoke"]])
def test_an_unknown_request_is_named(words: list[str], run: Run) -> None:
    ran = run("approvals", *words, "ap_none")

    assert ran.status == 2
    assert "there is no approval request `ap_none`" in ran.err


def test_a_token_approves_without_a_terminal_and_the_call_runs(
    run: Run, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = run("reviewers", "add", "alice", "--json").json["token"]
    pending = asked(guard)
    monkeypatch.setenv("TOOLGUARD_REVIEWER_TOKEN", token)

    ran = run("approvals", "approve", pending.request_id, "--reason", "planned", "--json")

    assert ran.status == 0
    assert (ran.json["accepted"], ran.json["request"]["state"]) == (True, "approved")
    assert isinstance(guard.resume(pending), Permit)
    (vote,) = shown(guard, pending.request_id).votes
    assert (vote["reviewer"], vote["channel"], vote["strength"], vote["reason"]) == ("alice", "cli", 2, "planned")


@pytest.mark.guarantee("vote:no-agent-credential")
def test_without_a_token_approving_needs_a_terminal(run: Run, guard: Guard) -> None:
    run("reviewers", "add", "me", "--me")
    pending = asked(guard)

    ran = run("approvals", "approve", pending.request_id, stdin=pending.code + "\n")

    assert ran.status == 2
    assert "needs a terminal" in ran.err
    assert shown(guard, pending.request_id).state == "pending"


def test_denying_needs_no_terminal_and_the_reason_reaches_the_agent(run: Run, guard: Guard) -> None:
    run("reviewers", "add", "me", "--me")
    pending = asked(guard)

    ran = run("approvals", "deny", pending.request_id, "--reason", "wrong folder")

    assert ran.status == 0
    answer = guard.resume(pending)
    assert isinstance(answer, Refusal)
    assert "wrong folder" in answer.text


def test_who_is_no_reviewer_cannot_deny(run: Run, guard: Guard) -> None:
    pending = asked(guard)

    ran = run("approvals", "deny", pending.request_id)

    assert ran.status == 2
    assert f"`{configuration.person()}`" in ran.err
    assert "reviewers add NAME --me" in ran.err


def test_a_vote_that_comes_too_late_fails_and_says_so(run: Run, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLGUARD_REVIEWER_TOKEN", run("reviewers", "add", "alice", "--json").json["token"])
    pending = asked(guard)
    run("approvals", "deny", pending.request_id)

    ran = run("approvals", "approve", pending.request_id)

    assert (ran.status, ran.out) == (1, "")
    assert "(denied)" in ran.err


def test_an_approval_can_be_taken_back_before_it_is_used(
    run: Run, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLGUARD_REVIEWER_TOKEN", run("reviewers", "add", "alice", "--json").json["token"])
    pending = asked(guard)
    run("approvals", "approve", pending.request_id)

    assert run("approvals", "revoke", pending.request_id, "--reason", "not now").status == 0

    assert isinstance(guard.resume(pending), Refusal)
    assert run("approvals", "revoke", pending.request_id).status == 1


def test_settling_needs_an_execution_of_unknown_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLGUARD_REVIEWER_TOKEN", run("reviewers", "add", "alice", "--json").json["token"])

    assert run("approvals", "settle", "ex_none", "--done", "--note", "seen").status == 1
    assert run("approvals", "settle", "ex_none", "--note", "seen").status == 2


def test_a_request_is_shown_with_everything_hidden_spelled_out(run: Run, guard: Guard) -> None:
    pending = asked(guard, path="/srv/\u202egnp.exe", note="a\u200bb\x1b[2J", text="line\nbreak")

    ran = run("approvals", "show", pending.request_id)

    assert "\\u202e" in ran.out
    assert not set("\u202e\u200b\x1b") & set(ran.out)
    assert "beware" in ran.out
    listed = run("approvals", "list", "--json")
    assert not set("\u202e\u200b\x1b") & set(listed.out)
    assert listed.json[0]["arguments"]["path"] == "/srv/\u202egnp.exe"


def test_what_a_person_reads_leaves_no_argument_out(guard: Guard) -> None:
    pending = asked(guard, path="/srv/old", deep={"list": [1, {"x": "the end"}]}, long="y" * 5000)

    text = "\n".join(description(shown(guard, pending.request_id)))

    assert "the end" in text
    assert "y" * 5000 in text


class Terminal:
    """A command on a terminal of its own, as a person sees it."""

    def __init__(self, *words: str) -> None:
        self.screen = ""
        ours, theirs = pty.openpty()
        self._fd = ours
        self._program = subprocess.Popen(
            [sys.executable, "-m", "toolguard", *words], stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
        )
        os.close(theirs)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 30
        while text not in self.screen:
            assert time.monotonic() < deadline, self.screen
            if select.select([self._fd], [], [], 0.2)[0]:
                self.screen += self._read()

    def _read(self) -> str:
        try:
            return os.read(self._fd, 65536).decode()
        except OSError:  # Linux says so when the other side is closed
            return ""

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def end(self) -> int:
        status = self._program.wait(30)
        self.screen += self._read()
        os.close(self._fd)
        return status


def test_at_a_terminal_the_typed_code_approves(run: Run, guard: Guard) -> None:
    run("reviewers", "add", "me", "--me")
    pending = asked(guard)

    terminal = Terminal("approvals", "approve", pending.request_id)
    terminal.wait_for("Type the code")
    before = terminal.screen
    terminal.type(pending.code.lower() + "\n")

    assert terminal.end() == 0
    assert "/srv/old" in before
    assert pending.code not in before  # it comes from the agent's message, not from this screen
    (vote,) = shown(guard, pending.request_id).votes
    assert (vote["reviewer"], vote["strength"], shown(guard, pending.request_id).state) == ("me", 1, "approved")


@pytest.mark.parametrize("typed", ["K7Q-2MX\n", "\n", "yes\n", "\x04"])
def test_at_a_terminal_anything_else_approves_nothing(typed: str, run: Run, guard: Guard) -> None:
    run("reviewers", "add", "me", "--me")
    pending = asked(guard)

    terminal = Terminal("approvals", "approve", pending.request_id)
    terminal.wait_for("Type the code")
    terminal.type(typed)

    assert terminal.end() != 0
    assert "Traceback" not in terminal.screen
    assert shown(guard, pending.request_id).state == "pending"


def test_arguments_are_changed_from_a_file_and_approved_as_they_are_then(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rules = 'policy: {rules: [{name: risky, match: {tool: "risky*"}, effect: ask}]}'
    home = configuration.home()
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "toolguard.yaml").write_text(rules, encoding="utf-8")
    file = tmp_path / "changed.json"
    file.write_text('{"path": "/srv/older"}', encoding="utf-8")
    with Guard.open() as guard:
        monkeypatch.setenv("TOOLGUARD_REVIEWER_TOKEN", guard.reviewers.add("alice").token)
        pending = asked(guard, path="/srv/old")

        ran = run("approvals", "approve", pending.request_id, "--arguments", str(file), "--json")

        assert ran.status == 0
        request = ran.json["request"]
        assert (request["state"], request["arguments"]) == ("approved", {"path": "/srv/older"})
        permit = guard.resume(pending)
    assert isinstance(permit, Permit)
    assert permit.call.arguments == {"path": "/srv/older"}


def test_changing_arguments_approves_nothing(run: Run, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLGUARD_REVIEWER_TOKEN", guard.reviewers.add("alice").token)
    pending = asked(guard, path="/srv/old")

    ran = run("approvals", "edit", pending.request_id, "--arguments", "-", stdin='{"path": "/srv/older"}')

    assert ran.status == 0
    assert "waits for approval as it is now" in ran.out
    (request,) = guard.approvals.list()
    assert "the agent asked with" in "\n".join(description(request))
    assert run("approvals", "edit", request.id, "--arguments", "-", stdin="{]").status == 2


def test_without_a_token_changing_arguments_needs_a_terminal(run: Run, guard: Guard) -> None:
    pending = asked(guard)

    ran = run("approvals", "edit", pending.request_id, "--arguments", "-", stdin='{"path": "/srv/older"}')

    assert ran.status == 2
    assert shown(guard, pending.request_id).state == "pending"


def test_calls_that_are_alike_are_answered_together(run: Run, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLGUARD_REVIEWER_TOKEN", guard.reviewers.add("alice").token)
    alike = [asked(guard, path=f"/srv/{name}").request_id for name in "ab"]
    other = asked(guard, "risky_send", to="bob").request_id
    group = shown(guard, alike[0]).group

    ran = run("approvals", "answer", group, "--approve", "--json")

    assert (ran.status, [(one["id"], one["code"]) for one in ran.json]) == (0, [(name, "accepted") for name in alike])
    assert shown(guard, other).state == "pending"
    assert run("approvals", "answer", group, "--deny").status == 2


def test_without_a_token_approving_a_group_needs_a_terminal(run: Run, guard: Guard) -> None:
    guard.reviewers.add("alice", person=configuration.person())
    request = asked(guard).request_id

    ran = run("approvals", "answer", shown(guard, request).group, "--approve")

    assert (ran.status, shown(guard, request).state) == (2, "pending")
    assert run("approvals", "answer", shown(guard, request).group, "--deny").status == 0
    assert shown(guard, request).state == "denied"
