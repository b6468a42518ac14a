"""Numbered steps from an empty file to today's schema. A step that was released never changes; add the next one.

sqlite-utils records which steps ran. The caller holds the file lock, since two processes may start at once.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from toolguard.store.sqlite import sqlite3

steps = Migrations("toolguard")


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Apply what is missing, each step with its record in one transaction, then note the version."""
    factory = connection.row_factory
    connection.row_factory = None
    steps.apply(Database(connection, execute_plugins=False))
    connection.execute(f"PRAGMA user_version={version}")
    connection.row_factory = factory


def _run(db: Database, script: str) -> None:
    """Statement by statement: executescript would commit the migration's own transaction."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            db.conn.execute(statement)
            statement = ""


@steps()
def m0001_first_schema(db: Database) -> None:
    _run(db, AUDIT)
    _run(db, CALLS)
    _run(db, REQUESTS)
    _run(db, PEOPLE)
    _run(db, MEMORY)


AUDIT = """
CREATE TABLE audit_event (
  seq INTEGER PRIMARY KEY, v INTEGER NOT NULL, log_id TEXT NOT NULL, ts TEXT NOT NULL, kind TEXT NOT NULL,
  agent TEXT, person TEXT, session TEXT, server TEXT, tool TEXT, reviewer TEXT, channel TEXT,
  call_id TEXT, request_id TEXT, execution_id TEXT, grant_id TEXT,
  effect TEXT, score INTEGER, outcome TEXT, call_fp TEXT, policy_digest TEXT,
  body_hash TEXT NOT NULL, prev_hash TEXT NOT NULL, row_hash TEXT NOT NULL) STRICT;
CREATE TABLE audit_body (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE audit_checkpoint (
  size INTEGER PRIMARY KEY, root TEXT NOT NULL, head TEXT NOT NULL, frontier TEXT NOT NULL,
  key_id TEXT NOT NULL, ts TEXT NOT NULL, note TEXT NOT NULL) STRICT;
CREATE INDEX audit_event_by_request ON audit_event (request_id, seq) WHERE request_id IS NOT NULL;
CREATE TRIGGER audit_event_keeps BEFORE UPDATE ON audit_event
  BEGIN SELECT RAISE(ABORT, 'audit events do not change'); END;
CREATE TRIGGER audit_event_stays BEFORE DELETE ON audit_event
  BEGIN SELECT RAISE(ABORT, 'audit events are not deleted'); END;
CREATE TRIGGER audit_event_once BEFORE INSERT ON audit_event
  WHEN EXISTS (SELECT 1 FROM audit_event WHERE seq = NEW.seq)
  BEGIN SELECT RAISE(ABORT, 'audit events are not replaced'); END;
CREATE TABLE spool (id INTEGER PRIMARY KEY, at TEXT NOT NULL, entry TEXT NOT NULL) STRICT;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""

# One tree for each of these two, since every call writes them: a session finds its calls by the key, whose second half
# begins with the time, and the name of an execution is made from its call's, so a call has one at most.
CALLS = """
CREATE TABLE call (
  call_id TEXT NOT NULL, at TEXT NOT NULL, transport_key TEXT, agent TEXT NOT NULL, person TEXT NOT NULL,
  session TEXT NOT NULL, server TEXT NOT NULL, tool TEXT NOT NULL, def_fp TEXT NOT NULL, call_fp TEXT NOT NULL,
  effect TEXT NOT NULL, class TEXT NOT NULL, score INTEGER NOT NULL, headline TEXT NOT NULL,
  decision_key TEXT NOT NULL, PRIMARY KEY (session, call_id)) STRICT, WITHOUT ROWID;
CREATE TABLE execution (
  execution_id TEXT PRIMARY KEY, call_id TEXT NOT NULL, request_id TEXT, grant_id TEXT,
  agent TEXT NOT NULL, person TEXT NOT NULL, session TEXT NOT NULL, call_fp TEXT NOT NULL, class TEXT NOT NULL,
  claim_token TEXT NOT NULL, owner TEXT NOT NULL, lease_until TEXT,
  state TEXT NOT NULL, claimed_at TEXT NOT NULL, dispatched_at TEXT, ended_at TEXT,
  error TEXT, duration_ms REAL, result_size INTEGER) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_execution ON execution (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX execution_open ON execution (state) WHERE state IN ('claimed', 'dispatched');
CREATE INDEX execution_unknown ON execution (call_fp) WHERE state = 'unknown';
"""

REQUESTS = """
CREATE TABLE approval_request (
  request_id TEXT PRIMARY KEY, created TEXT NOT NULL, agent TEXT NOT NULL, person TEXT NOT NULL,
  session TEXT NOT NULL, server TEXT NOT NULL, tool TEXT NOT NULL, def_fp TEXT NOT NULL, call_fp TEXT NOT NULL,
  class TEXT NOT NULL, score INTEGER NOT NULL, decision_key TEXT NOT NULL, requirement TEXT NOT NULL,
  shown TEXT NOT NULL, offers TEXT NOT NULL, request_digest TEXT NOT NULL, nonce TEXT NOT NULL, code TEXT NOT NULL,
  resume TEXT NOT NULL,
  state TEXT NOT NULL, ver INTEGER NOT NULL, decide_by TEXT NOT NULL, use_within INTEGER NOT NULL, use_by TEXT,
  boot_id TEXT NOT NULL, decide_by_boot REAL NOT NULL, use_by_boot REAL,
  waiting INTEGER NOT NULL DEFAULT 0, ended_at TEXT, end_reason TEXT,
  edited_from TEXT, asked_fp TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX one_open_request ON approval_request (agent, person, session, asked_fp)
  WHERE state IN ('pending', 'approved');
CREATE UNIQUE INDEX one_open_code ON approval_request (code) WHERE state IN ('pending', 'approved');
CREATE INDEX request_by_state ON approval_request (state, created);
CREATE INDEX request_by_call ON approval_request (asked_fp, ended_at);
CREATE UNIQUE INDEX one_edit ON approval_request (edited_from) WHERE edited_from IS NOT NULL;
CREATE TABLE request_call (
  request_id TEXT NOT NULL, call_id TEXT NOT NULL, PRIMARY KEY (request_id, call_id)) STRICT, WITHOUT ROWID;
CREATE TABLE vote (
  request_id TEXT NOT NULL, reviewer_id TEXT NOT NULL, choice TEXT NOT NULL, channel TEXT NOT NULL,
  strength INTEGER NOT NULL, request_digest TEXT NOT NULL, vote_digest TEXT NOT NULL, reason TEXT NOT NULL,
  self_attested INTEGER NOT NULL, evidence TEXT, grant_terms TEXT, at TEXT NOT NULL,
  PRIMARY KEY (request_id, reviewer_id, choice)) STRICT, WITHOUT ROWID;
CREATE TABLE "grant" (
  grant_id TEXT PRIMARY KEY, server TEXT NOT NULL, tool TEXT NOT NULL, predicate TEXT NOT NULL,
  sentence TEXT NOT NULL, agent TEXT NOT NULL, person TEXT NOT NULL, session TEXT NOT NULL, def_fp TEXT NOT NULL,
  decision_key TEXT NOT NULL, created TEXT NOT NULL, reviewer TEXT NOT NULL, not_before TEXT NOT NULL,
  not_after TEXT NOT NULL, max_uses INTEGER NOT NULL, uses INTEGER NOT NULL DEFAULT 0, max_score INTEGER NOT NULL,
  from_request TEXT NOT NULL UNIQUE, revoked_at TEXT, CHECK (uses <= max_uses)) STRICT, WITHOUT ROWID;
"""

PEOPLE = """
CREATE TABLE reviewer (
  reviewer_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, groups TEXT NOT NULL,
  enabled INTEGER NOT NULL, created TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE identity (
  kind TEXT NOT NULL, subject TEXT NOT NULL, reviewer_id TEXT NOT NULL REFERENCES reviewer,
  PRIMARY KEY (kind, subject)) STRICT, WITHOUT ROWID;
CREATE TABLE credential (
  secret_hash TEXT PRIMARY KEY, reviewer_id TEXT NOT NULL REFERENCES reviewer, kind TEXT NOT NULL,
  created TEXT NOT NULL, expires TEXT, used TEXT, ended TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX credential_by_reviewer ON credential (reviewer_id, kind);
CREATE TABLE passkey (
  credential_id TEXT PRIMARY KEY, reviewer_id TEXT NOT NULL REFERENCES reviewer, public_key TEXT NOT NULL,
  cose TEXT NOT NULL, rp_id TEXT NOT NULL, origin TEXT NOT NULL,
  aaguid TEXT NOT NULL, label TEXT NOT NULL, sign_count INTEGER NOT NULL,
  created TEXT NOT NULL, ended TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX passkey_by_reviewer ON passkey (reviewer_id);
CREATE TABLE outbox (
  outbox_id INTEGER PRIMARY KEY, request_id TEXT NOT NULL, endpoint TEXT NOT NULL, kind TEXT NOT NULL,
  webhook_id TEXT NOT NULL, created TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_at TEXT NOT NULL,
  lease_until TEXT, ended TEXT, UNIQUE (endpoint, webhook_id)) STRICT;
CREATE TABLE reminder (
  request_id TEXT NOT NULL, name TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (request_id, name)) STRICT, WITHOUT ROWID;
CREATE TABLE inbound_seen (
  endpoint TEXT NOT NULL, webhook_id TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (endpoint, webhook_id)) STRICT, WITHOUT ROWID;
"""

MEMORY = """
CREATE TABLE pin (
  server TEXT NOT NULL, tool TEXT NOT NULL, def_fp TEXT NOT NULL, definition TEXT NOT NULL, first_seen TEXT NOT NULL,
  change TEXT NOT NULL, previous TEXT, PRIMARY KEY (server, tool)) STRICT, WITHOUT ROWID;
CREATE TABLE budget_use (
  counter TEXT NOT NULL, slot INTEGER NOT NULL, amount REAL NOT NULL,
  PRIMARY KEY (counter, slot)) STRICT, WITHOUT ROWID;
CREATE TABLE introduction (
  server TEXT PRIMARY KEY, mac TEXT NOT NULL, instructions TEXT NOT NULL, previous TEXT,
  first_seen TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE foretold (
  key TEXT PRIMARY KEY, at TEXT NOT NULL, prompt TEXT, justification TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE session_memory (
  agent TEXT NOT NULL, person TEXT NOT NULL, session TEXT NOT NULL, memory TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (agent, person, session)) STRICT, WITHOUT ROWID;
"""
