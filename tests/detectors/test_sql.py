"""The cases of the SQL detector, and that no spelling of a read makes a write of another dialect pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from toolguard.core import yaml
from toolguard.core.acts import Place
from toolguard.core.model import EffectClass, Principal, ToolCall
from toolguard.core.reading import Fragment, Language, Reading
from toolguard.core.score import score
from toolguard.core.session.facts import Surroundings
from toolguard.core.session.memory import Session
from toolguard.core.sql.parse import read_sql
from toolguard.detectors import sql

FILE = Path(__file__).parents[1] / "cases" / "sql.yaml"
CASES: list[dict[str, Any]] = yaml.parse(FILE.read_text(encoding="utf-8"), str(FILE)).value


def inspected(text: str) -> list[Any]:
    call = ToolCall("db", "query", {"sql": text}, Principal("agent", "person", "session"))
    fragment = Fragment(Language.SQL, text, Place("/sql", 0, len(text)))
    reading = Reading(call, fragments=(fragment,), sql=((fragment, read_sql(text)),))
    return list(sql.inspect(reading, Session().facts(call, Surroundings())))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_sql_is_judged_by_what_it_does(case: dict[str, Any]) -> None:
    found = inspected(case["sql"])
    ids = list(dict.fromkeys(one.id.removeprefix("sql.") for one in found))

    assert ("only" in case and case["only"] in ids) or sorted(ids) == sorted(case["finds"])
    assert (score(found) >= 40) is case["asks"]


def test_a_finding_points_at_the_words_it_speaks_of() -> None:
    text = "SELECT a, pg_sleep(9) FROM t"

    (found,) = inspected(text)

    assert text[found.start : found.end] == "pg_sleep"
    assert found.pointer == "/sql"


HARM = ("DROP TABLE t", "DELETE FROM t", "GRANT ALL ON t TO eve", "UPDATE t SET a = 1", "TRUNCATE t")
BEFORE = ("SELECT 1;", "SELECT 'it''s';", "SELECT 1 -- x\n;", "/* a */", "SELECT $$a$$;", "BEGIN;", "COMMIT;")
AROUND = st.sampled_from(["", " ", "\n", "\t", "/* x */", "/**/", "-- x\n", ";", "\r\n"])


@given(st.sampled_from(HARM), st.sampled_from(BEFORE), AROUND, AROUND, st.booleans())
def test_no_spelling_around_a_harmful_statement_hides_it(
    harm: str, before: str, one: str, other: str, lower: bool
) -> None:
    text = before + one + (harm.lower() if lower else harm) + other

    found = inspected(text)

    assert read_sql(text).effect_class is not EffectClass.READ
    assert score(found) >= 40


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_sql(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM t WHERE " + " OR ".join(f"a={i}" for i in range(5000)),
        "SELECT " + "(" * 9000 + "1" + ")" * 9000,
        "'" * 200_000,
        "/*" * 60_000,
        "/*!" * 50_000,
        "SELECT 1;" * 9000,
        "x" * 10_000_000,
        "SELECT " + ",".join(f"f{i}(1)" for i in range(4000)),
        "DELETE FROM t WHERE " + "(a = 1 OR " * 2500 + "b = 2" + ")" * 2500,
        "DELETE FROM t WHERE " + "EXISTS (SELECT 1 FROM t WHERE " * 1500 + "b = 2" + ")" * 1500,
        "IF 1 = 1 SELECT 1 ELSE " * 3000 + "SELECT 1",
    ],
    ids=[
        "conditions",
        "parentheses",
        "quotes",
        "comments",
        "executed",
        "statements",
        "length",
        "functions",
        "nested",
        "queries",
        "branches",
    ],
)
def test_more_work_than_the_budget_allows_is_not_read_and_asks(text: str) -> None:
    found = inspected(text)

    assert "sql.unread" in {one.id for one in found}
    assert score(found) >= 40


WRITING = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.TruncateTable, exp.Into)


@pytest.mark.parametrize(
    "dialect", ["postgres", "mysql", "tsql", "sqlite", "oracle", "bigquery", "snowflake", "duckdb"]
)
def test_what_a_second_reader_takes_for_a_write_is_no_read_to_us(dialect: str) -> None:
    for case in CASES:
        try:
            parsed = sqlglot.parse(case["sql"], dialect=dialect, error_level=sqlglot.ErrorLevel.RAISE)
        except sqlglot.errors.SqlglotError:
            continue
        writes = any(one is not None and one.find(*WRITING) for one in parsed)
        planned = case["sql"].startswith("EXPLAIN DELETE")

        assert planned or not writes or read_sql(case["sql"]).effect_class is not EffectClass.READ, case["name"]
