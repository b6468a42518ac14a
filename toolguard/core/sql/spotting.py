"""Whether a text is SQL, where something else might stand: by its first word, or by a statement behind another."""

from __future__ import annotations

import re
from typing import Final

_BEGINS: Final = re.compile(
    # Possessive, so that a text of comments or blanks is looked at once and not in every division of it.
    r"\s*+(?:(?:--[^\n]*\n|/\*(?![!+M])(?:[^*]|\*(?!/))*+\*/|\()\s*+)*+(?:/\*[!+M]|(?:select|insert|update|delete|drop|create|alter|truncate|grant"
    r"|revoke|with|merge|replace|call|exec|execute|explain|pragma|attach|vacuum|copy|set|show|describe|desc|begin|declare|deny"
    r"|waitfor|dbcc|reconfigure|undrop|reindex|checkpoint|upsert|unload)\b"
    # Words that begin sentences of people, too: only with what follows them in SQL.
    r"|(?:backup|restore)\s+(?:database|log|table|certificate|headeronly|filelistonly|verifyonly)\b"
    r"|shutdown\s*(?:with|immediate|abort|normal|;|$)|kill\s+(?:\d|query\b|connection\b|mutation\b|')"
    r"|(?:disable|enable)\s+(?:trigger|restricted)\b|bulk\s+insert\b|do\s*(?:\$|'|language\b|\w+\s*\()"
    r"|load\s+(?:data\b|xml\b|table\b|'|\w+\s*;?\s*$)|(?:force\s+)?install\s+\w+\s*(?:;|$|from\b)"
    r"|flush\s+(?:privileges|tables?|logs|hosts|status|binary|engine)\b"
    r"|rename\s+(?:table|user|to|column|database)\b|purge\s+(?:recyclebin|table|index|binary|tablespace|dba_)"
    r"|flashback\s+(?:table|database)\b|export\s+(?:data|database|table)\b|import\s+(?:foreign|database|table)\b"
    r"|system\s+(?:shutdown|kill|drop|reload|stop|start|flush|sync|reset|restart|freeze|suspend|restore)\b"
    r"|optimize\s+table\b|(?:detach|exchange)\s+(?:table|tables|database|dictionar|view|partition|permanently|'|\w+\s*;?\s*$)"
    r"|msck\s+repair\b|add\s+(?:jars?|files?|archives?)\s+\S*[/.]|(?:un)?lock\s+(?:tables?|instance|in)\b|reassign\s+owned\b"
    r"|security\s+label\b|comment\s+on\b|refresh\s+(?:materialized|table|function)\b|cluster\s+\w+\s*(?:;|$|using\b)"
    r"|handler\s+\w+\s+open\b|table\s+\w+\s*;?\s*$|values\s*\(|discard\s+(?:all|plans|temp|sequences)\b"
    r"|(?:un)?listen\s+\w+\s*;?\s*$|notify\s+\w+\s*(?:,|;|$)|prepare\s+\w+\s+(?:as|from)\b"
    r"|reset\s+(?:master|slave|query|all|role)\b|(?:un)?cache\s+table\b|put\s+'?file:|(?:rm|remove|list|ls|get)\s+@"
    r"|transfer\s+ownership\b|stop\s+(?:slave|replica|group_replication)\b|change\s+(?:master|replication)\b)",
    re.IGNORECASE | re.DOTALL,
)
_INSIDE: Final = re.compile(
    # Behind a first word that is none of those above: `; DROP TABLE t`, `USE x; DELETE FROM t`, `IF 1=1 EXEC p`.
    r"(?:^|[;\s)])(?:drop\s+(?:table|database|schema|user|login|role|view|index)|delete\s+from|truncate\s+table"
    r"|insert\s+into|update\s+\S+\s+set|alter\s+(?:table|user|role|login|database|system)|exec(?:ute)?\s+\w"
    r"|create\s+(?:user|login|role|or\s+replace)|(?:grant|revoke)\s+\w+\s+(?:on|to|from)|xp_\w+)\b",
    re.IGNORECASE,
)


def begins(text: str) -> bool:
    """The first word, behind comments and brackets, begins a statement of some dialect."""
    return _BEGINS.match(text) is not None


def stands_in(text: str) -> bool:
    """A statement that changes something stands somewhere in it, whatever the first word is."""
    return _INSIDE.search(text) is not None
