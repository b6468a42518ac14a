"""What a call does: from its arguments, else from its name and description; and the line that a reviewer reads."""

from __future__ import annotations

from typing import Any

import pytest

from toolguard.core.classify import classify, of_definition
from toolguard.core.model import Classification, EffectClass, Principal, Reach, ToolCall, ToolDefinition
from toolguard.core.reading import read


def classified(
    tool: str, arguments: dict[str, Any], description: str = "", trusted: bool = False, **hints: bool
) -> Classification:
    definition = ToolDefinition(tool, description, annotations=hints)
    principal = Principal("agent", "person", "session")
    return classify(read(ToolCall("server", tool, arguments, principal, definition, server_trusted=trusted)))


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("get_user", "", "read"),
        ("listPullRequests", "", "read"),
        ("weather.get", "", "read"),
        ("storage_blob_list", "", "read"),
        ("humidity_forecast", "Retrieves a forecast for a place.", "read"),
        ("compute_statistics", "Calculates the mean of a list.", "read"),
        ("query", "Executes a query and returns rows.", "read"),
        ("create_issue", "", "write"),
        ("issue_write", "", "write"),
        ("issue_tool", "Create a new or update an existing issue.", "write"),
        ("get_and_archive", "Archives a message and returns it.", "write"),
        ("GmailSendEmail", "", "send"),
        ("post_tweet", "", "send"),
        ("notify-team", "", "send"),
        ("delete_file", "", "delete"),
        ("vm_disk_delete", "", "delete"),
        ("remove_item", "", "delete"),
        ("purge_queue", "", "delete"),
        ("transfer_funds", "", "spend"),
        ("place_order", "", "spend"),
        ("flight_tool", "Book a flight for a passenger.", "write"),
        ("grant_access", "", "grant"),
        ("add_user_to_group", "", "grant"),
        ("reset_password", "", "grant"),
        ("restart_service", "", "administer"),
        ("deploy_app", "", "administer"),
        ("run_command", "", "execute"),
        ("frobnicate", "", "unknown"),
        ("", "", "unknown"),
    ],
)
def test_name_and_description_tell_the_class(name: str, description: str, expected: str) -> None:
    assert of_definition(ToolDefinition(name, description)) == expected


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("manage_repository", {"action": "delete", "name": "a"}, "delete"),
        ("actions_trigger", {"method": "list_runs"}, "read"),
        ("query", {"sql": "SELECT 1"}, "read"),
        ("query", {"sql": "DROP TABLE t"}, "delete"),
        ("query", {"sql": "SELECT pg_read_file('x')"}, "send"),
    ],
)
def test_arguments_tell_more_than_the_name(tool: str, arguments: dict[str, Any], expected: str) -> None:
    assert classified(tool, arguments).effect_class == expected


def test_a_hint_makes_the_class_graver() -> None:
    assert classified("get_env", {}, readOnlyHint=False).effect_class is EffectClass.WRITE
    assert classified("get_env", {}, readOnlyHint=False, destructiveHint=True).effect_class is EffectClass.DELETE


def test_a_hint_makes_the_class_milder_only_for_a_trusted_server() -> None:
    assert classified("send_ping", {}, readOnlyHint=True).effect_class is EffectClass.SEND
    assert classified("send_ping", {}, readOnlyHint=True, trusted=True).effect_class is EffectClass.READ


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("send_email", {"to": ["bob@example.org"], "body": "hi"}, "Send an e-mail to bob@example.org"),
        ("pay_bill", {"payee": "ACME", "amount": 120, "currency": "EUR"}, "Pay 120 EUR to ACME"),
        ("query", {"sql": "DELETE FROM orders"}, "Delete every row of the table orders"),
        ("query", {"sql": "UPDATE orders SET a = 1 WHERE id = 2"}, "Change rows of the table orders"),
        ("query", {"sql": "SELECT * FROM orders"}, "Read the table orders"),
        ("query", {"sql": "DROP TABLE orders"}, "Delete the table orders"),
        ("query", {"sql": "TRUNCATE orders"}, "Delete every row of the table orders"),
        (
            "query",
            {"sql": "UPDATE a SET b = 1 WHERE c = 2; DROP TABLE d"},
            "Delete the table d (and 1 more SQL statement)",
        ),
        ("create_issue", {"title": "x", "repository": "a/b"}, "Create issue: x"),
        ("http_request", {"url": "https://a.example"}, "HTTP request: https://a.example"),
        ("get_s3_url", {"name": "x"}, "Get S3 URL: x"),
        ("run_shell", {"command": "rm -rf /opt/a"}, "Delete 1 folder and everything in it: /opt/a"),
        (
            "run_shell",
            {"command": "sudo rm -rf /opt/a"},
            "Delete 1 folder and everything in it, with the rights of another user: /opt/a",
        ),
        ("run_shell", {"command": "sudo rm /opt/a"}, "Delete /opt/a, with the rights of another user"),
        ("run_shell", {"command": "sudo systemctl stop nginx"}, "Runs systemctl with the rights of another user"),
    ],
)
def test_the_headline_says_what_the_call_does(tool: str, arguments: dict[str, Any], expected: str) -> None:
    assert classified(tool, arguments).headline == expected


def test_the_target_of_several_statements_is_that_of_the_one_in_the_headline() -> None:
    found = classified("query", {"sql": "UPDATE users SET a = 1 WHERE b = 2; DELETE FROM logs"})

    assert found.headline.startswith("Delete every row of the table logs")
    assert found.target == "logs"


def test_a_headline_is_one_line_of_bounded_length() -> None:
    headline = classified("create_note", {"title": "a\nb" * 500}).headline

    assert "\n" not in headline
    assert len(headline) <= 140


def test_reach_and_environment_are_read_from_the_arguments() -> None:
    assert classified("send_email", {"to": ["a@x.org", "b@x.org"]}).reach is Reach.MANY
    assert classified("send_message", {"to": "@everyone"}).reach is Reach.ALL
    assert classified("query", {"sql": "DELETE FROM t"}).reach is Reach.ALL
    assert classified("restart", {"host": "db1.prod.example.org"}).environment == "production"
    assert classified("restart", {"host": "products.example.org"}).environment == ""
