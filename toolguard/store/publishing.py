"""A copy of the log for others: one file, of one moment, that verifies like the original and opens in Datasette.

What is nobody's business there stays behind: credentials, tokens of executions, what sessions remember. Two views say
in words what needs joins: `calls` (a call from its decision to its end) and `events` (each event with its contents).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from toolguard.errors import StoreError
from toolguard.store import audit
from toolguard.store.copies import opened_for_reading
from toolguard.store.database import Database
from toolguard.store.sqlite import closed_on_error, sqlite3

_LEFT_BEHIND: Final = ("credential", "session_memory", "foretold", "inbound_seen", "outbox", "spool")
_VIEWS: Final = """
UPDATE execution SET claim_token = '';
CREATE VIEW calls AS
  SELECT d.seq, d.ts AS decided, d.agent, d.person, d.session, d.server, d.tool, d.effect, d.score,
    json_extract(b.body, '$.class') AS class, json_extract(b.body, '$.headline') AS headline,
    (SELECT group_concat(json_extract(f.value, '$.id'), ' ') FROM json_each(b.body, '$.findings') f) AS findings,
    r.request_id, r.state AS approval,
    (SELECT group_concat(v.reviewer || ': ' || json_extract(vb.body, '$.choice'), ', ') FROM audit_event v
      JOIN audit_body vb ON vb.seq = v.seq WHERE v.request_id = r.request_id AND v.kind = 'vote.cast') AS votes,
    x.state AS outcome, x.ended_at AS ended, x.duration_ms, x.error, d.call_id, x.execution_id
  FROM audit_event d LEFT JOIN audit_body b ON b.seq = d.seq
  LEFT JOIN request_call rc ON rc.call_id = d.call_id LEFT JOIN approval_request r ON r.request_id = rc.request_id
  LEFT JOIN execution x ON x.execution_id = 'ex_' || substr(d.call_id, 4)
  WHERE d.kind = 'call.decided';
CREATE VIEW events AS
  SELECT e.seq, e.ts, e.kind, e.agent, e.person, e.server, e.tool, e.reviewer, e.channel, e.effect, e.score, e.outcome,
    json_extract(b.body, '$.headline') AS headline, json_extract(b.body, '$.reason') AS reason, e.session, e.call_id,
    e.request_id, b.body, e.row_hash
  FROM audit_event e LEFT JOIN audit_body b ON b.seq = e.seq;
CREATE INDEX request_call_by_call ON request_call (call_id);
CREATE INDEX audit_event_by_kind ON audit_event (kind, seq);
CREATE INDEX audit_event_by_call ON audit_event (call_id, seq);
CREATE INDEX audit_event_by_session ON audit_event (session, seq);
"""


def publish(database: Database, target: Path) -> None:
    """Write the copy. Raises StoreError when there is a file already, or it cannot be written."""
    if target.exists():
        raise StoreError(f"`{target}` is there already", hint="name a new file")
    database.flush()
    audit.head(database)  # a read works in what other processes have spooled
    try:
        with opened_for_reading(database.path) as source:
            source.execute("VACUUM INTO ?", (str(target),))
        target.chmod(0o600)
        with closed_on_error(sqlite3.connect(target, isolation_level=None)) as copy:
            copy.execute("PRAGMA trusted_schema=OFF")
            copy.execute("PRAGMA journal_mode=DELETE")
            for table in _LEFT_BEHIND:
                copy.execute(f"DELETE FROM {table}")
            copy.executescript(_VIEWS)
            copy.execute("VACUUM")  # what was deleted must not stand in free pages
            copy.close()
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"`{target}` cannot be written: {error}", hint="name a file in a folder that is yours"
        ) from error
