"""Events as OCSF API Activity (class 6003, https://schema.ocsf.io), with the profile `security_control`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from toolguard.core.model import Json

VERSION: Final = "1.8.0"
_CLASS: Final = 6003
_OTHER: Final = 99
_ACTIVITY: Final = {"read": 2, "write": 3, "delete": 4}
"""Create 1, Read 2, Update 3, Delete 4; what else a call may do has no number of its own."""
_ACTION: Final = {"allow": (1, "Allowed"), "deny": (2, "Denied")}
_DISPOSITION: Final = {"allow": (1, "Allowed"), "deny": (2, "Blocked"), "ask": (_OTHER, "Waits for people")}
_STATUS: Final = {"succeeded": (1, "Success"), "failed": (2, "Failure"), "unknown": (0, "Unknown")}
_SEVERITY: Final = ((80, 5, "Critical"), (60, 4, "High"), (40, 3, "Medium"), (20, 2, "Low"))
"""From which score, the number and the word."""


def record(event: Mapping[str, Json], version: str) -> dict[str, Json]:
    body = event.get("body") or {}
    activity = _ACTIVITY.get(str(body.get("class")), _OTHER)
    severity_id, severity = _severity(event.get("score"))
    action_id, action = _ACTION.get(str(event.get("effect")), (_OTHER, event["kind"]))
    disposition_id, disposition = _DISPOSITION.get(str(event.get("effect")), (0, "Unknown"))
    status_id, status = _STATUS.get(str(event.get("outcome")), (_OTHER, event.get("outcome") or event["kind"]))
    made: dict[str, Json] = {
        "class_uid": _CLASS,
        "class_name": "API Activity",
        "category_uid": 6,
        "category_name": "Application Activity",
        "activity_id": activity,
        "activity_name": {2: "Read", 3: "Update", 4: "Delete"}.get(activity, event["kind"]),
        "type_uid": _CLASS * 100 + activity,
        "time": int(datetime.fromisoformat(event["ts"]).timestamp() * 1000),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "action_id": action_id,
        "action": action,
        "disposition_id": disposition_id,
        "disposition": disposition,
        "message": str(body.get("headline") or body.get("reason") or event["kind"]),
        "metadata": {
            "version": VERSION,
            "profiles": ["security_control"],
            "uid": f"{event['log_id']}:{event['seq']}",
            "sequence": event["seq"],
            "event_code": event["kind"],
            "log_name": event["log_id"],
            "product": {"name": "toolguard", "vendor_name": "toolguard", "version": version},
        },
        "api": {"operation": event.get("tool") or event["kind"], **_service(event)},
        "actor": {"user": {"name": event.get("reviewer") or event.get("person") or "toolguard"}},
        "src_endpoint": {"name": event.get("agent") or "toolguard"},
        "unmapped": {name: value for name, value in event.items() if name not in _MAPPED and value is not None},
    }
    if event.get("session"):
        made["actor"]["session"] = {"uid": event["session"]}
    if event.get("policy_digest"):
        rules = ", ".join(str(rule.get("name")) for rule in body.get("rules") or []) or "policy"
        made["policy"] = {"name": rules, "uid": event["policy_digest"]}
    if event.get("call_id"):
        made["api"]["request"] = {"uid": event["call_id"]}
    return made


_MAPPED: Final = frozenset({"ts", "body", "tool", "server", "session", "policy_digest", "call_id"})


def _service(event: Mapping[str, Json]) -> dict[str, Json]:
    return {"service": {"name": event["server"]}} if event.get("server") else {}


def _severity(score: int | None) -> tuple[int, str]:
    return next(((number, word) for least, number, word in _SEVERITY if (score or 0) >= least), (1, "Informational"))
