"""Network partners: sees addresses of the inside, disguised hosts, content that leaves, tunnels, listeners and scans.

Leaves alone fetching from the internet, talking to a server of one's own on this machine from a shell, and requests
whose content stands in the call and is nobody's secret.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from toolguard.core.acts import Contact
from toolguard.core.model import Confidence, Finding, Severity
from toolguard.core.paths import Kind, kinds
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.core.shell import uploads
from toolguard.core.shell.uploads import UNSIGNED
from toolguard.core.urls import Link, hidden_text, parse
from toolguard.detectors.kinds import HIGH, LIKELY, LOW, MEDIUM, SURE, FindingKind, from_acts, hints_once

FINDINGS: Final = (
    FindingKind("network.metadata", HIGH, SURE, "asks where cloud machines hand out credentials", ("CWE-918",)),
    FindingKind("network.inside-address", MEDIUM, SURE, "makes a tool reach this machine or its network", ("CWE-918",)),
    FindingKind("network.disguised-host", HIGH, SURE, "hides which host is meant", ("CWE-451",)),
    FindingKind("network.encoded-content", MEDIUM, SURE, "carries encoded content in an address", ("CWE-200",)),
    FindingKind("network.sends-file", MEDIUM, SURE, "sends the content of a file away", ("CWE-200",)),
    FindingKind("network.drop-point", MEDIUM, SURE, "contacts a place that passes on anything", ("CWE-200",)),
    FindingKind("network.remote-delete", MEDIUM, SURE, "deletes something at another service", ("CWE-471",)),
    FindingKind("network.odd-scheme", MEDIUM, SURE, "uses a scheme that serves to reach other services", ("CWE-918",)),
    FindingKind("network.name-content", HIGH, SURE, "puts content into the names it looks up", ("CWE-200",)),
    FindingKind("network.listens", MEDIUM, SURE, "waits for connections from outside", ("CWE-605",)),
    FindingKind("network.tunnels", HIGH, LIKELY, "opens a way between networks", ("CWE-923",)),
    FindingKind("network.scans", HIGH, LIKELY, "probes or attacks other machines", ("CWE-200",)),
    FindingKind("network.sniffs", HIGH, LIKELY, "records traffic, keys, screen or sound", ("CWE-359",)),
    FindingKind("network.remote-control", MEDIUM, LIKELY, "opens a connection without a known protocol", ("CWE-923",)),
)  # fmt: skip
_BY_ID: Final = {kind.id: kind for kind in FINDINGS}

_ODD: Final = frozenset(
    "gopher dict ldap ldaps tftp smb jar netdoc phar expect php data javascript vbscript sftp telnet rlogin".split()
)
_DELETING_PATH: Final = re.compile(
    r"/_?(?:dodelete|delete|destroy|remove|purge|wipe|delete_series|delete_by_query|drop|terminate|truncate|flush|revoke)(?:[/_?-]|$)",
    re.IGNORECASE,
)
_DELETING_BODY: Final = re.compile(
    r"\bmutation\b[^{]{0,80}\{[^{}]{0,40}\b(?:delete|remove|destroy|purge|archive)\w*|\"action\"\s*:\s*\"(?:delete|destroy|purge)\"",
    re.IGNORECASE,
)
_ONE_ITEM: Final = re.compile(
    r"/[\w.-]+/(?:\d+|[0-9a-fA-F-]{8,36})/?$"
)  # one numbered thing, as while testing a server
_CREDENTIAL_LIKE: Final = frozenset({Kind.CREDENTIALS, Kind.HISTORY, Kind.SECRETS, Kind.ACCOUNTS, Kind.MEMORY})
_FILE_TRANSFER: Final = frozenset({"scp", "rsync", "sftp", "ssh"}) | uploads.NAMES


LOOKS_AT: Final = ("acts", "contacts", "effects")


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    return hints_once(_found(reading, facts))


def _found(reading: Reading, facts: Facts) -> Iterator[Finding]:
    yield from from_acts(FINDINGS, reading.acts)
    if _is_compressed(reading):
        yield _BY_ID["network.encoded-content"].at(
            "sends frames that are marked as compressed, so nobody can read them"
        )
    for contact in reading.contacts:
        link = parse(contact.address)
        if link is not None:
            yield from _host(contact, link)
            yield from _request(contact, link)
            yield from _encoded(contact, link)
        if _is_container_daemon(contact, link):
            yield _at("network.remote-control", contact, "steers a container daemon, which can do anything", HIGH, SURE)
        yield from _content(contact, link)


def _is_compressed(reading: Reading) -> bool:
    """A WebSocket frame with a reserved bit set carries content in an agreed coding, mostly deflate (RFC 7692)."""
    frames = reading.call.arguments.get("frames")
    return isinstance(frames, list) and any(
        isinstance(frame, Mapping) and any(frame.get(bit) is True for bit in ("rsv1", "rsv2", "rsv3"))
        for frame in frames[:100]
    )


def _at(
    finding: str, contact: Contact, message: str, severity: Severity | None = None, confidence: Confidence | None = None
) -> Finding:
    return _BY_ID[finding].at(
        message, contact.place.pointer, contact.place.start, contact.place.end, severity=severity, confidence=confidence
    )


def _host(contact: Contact, link: Link) -> Iterator[Finding]:
    if link.place == "metadata":
        yield _at("network.metadata", contact, f"asks {link.host}, where cloud machines hand out credentials")
    elif link.place in ("loopback", "private", "local-name") and contact.program == "tool" and "." + link.host != ".":
        severity = LOW if link.place == "local-name" and link.scheme not in ("http", "https", "ws", "wss") else None
        yield _at(
            "network.inside-address",
            contact,
            f"makes a tool reach {link.host}, an address of this machine or its network",
            severity,
        )
    if link.disguised:
        yield _at("network.disguised-host", contact, link.disguised)
    if link.encoded:
        in_name = "name" in link.encoded
        yield _at(
            "network.encoded-content", contact, link.encoded, HIGH if in_name else None, SURE if in_name else None
        )
    if link.scheme in _ODD and not (link.scheme == "sftp" and contact.program != "tool"):
        yield _at("network.odd-scheme", contact, f"uses the scheme {link.scheme}:")


def _is_container_daemon(contact: Contact, link: Link | None) -> bool:
    """The socket or the unprotected port of Docker and its kin: whoever writes there owns the machine."""
    asks = contact.method in ("GET", "HEAD", "OPTIONS")
    socket = contact.address.startswith("unix:") and _DAEMON.search(contact.address) is not None
    return not asks and (socket or (link is not None and link.port == 2375))


_DAEMON: Final = re.compile(r"(?:docker|containerd|podman|crio|buildkitd|lxd|incus)[\w.-]*\.sock")


def _request(contact: Contact, link: Link) -> Iterator[Finding]:
    carries = bool(contact.sends or contact.body) or contact.method not in ("GET", "HEAD", "OPTIONS", "DOWNLOAD", "DNS")
    if link.place == "relay":
        yield _at(
            "network.drop-point",
            contact,
            f"{'sends to' if carries else 'contacts'} {link.host}, a public place that passes on anything",
            None if carries else MEDIUM,
            SURE if carries else LIKELY,
        )
    own = link.place == "loopback" and contact.program != "tool"
    if own and contact.method == "DELETE" and _ONE_ITEM.search(link.path):
        yield _at("network.remote-delete", contact, f"deletes {link.path[:100]} of a server on this machine", LOW)
    elif contact.method == "DELETE" or (
        contact.method in ("POST", "PUT", "PATCH")
        and (_DELETING_PATH.search(link.path) or (contact.body and _DELETING_BODY.search(contact.body[:20_000])))
    ):
        yield _at("network.remote-delete", contact, f"deletes {link.path[:100] or '/'} at {link.host}")


# A quoted text that could be encoded; `content` is how interfaces for files take them by custom.
_QUOTED: Final = re.compile(r"(?P<key>[\"']\w+[\"']\s*:\s*)?[\"'](?P<text>[A-Za-z0-9+/_-]{20,4000}={0,2})[\"']")


def _encoded(contact: Contact, link: Link) -> Iterator[Finding]:
    """A tool sends readable text in an encoded form."""
    if contact.program != "tool" or link.place not in ("public", "relay") or not contact.body:
        return
    for match in list(_QUOTED.finditer(contact.body[:20_000]))[:50]:
        if "content" not in (match["key"] or "") and hidden_text(match["text"]):
            yield _at("network.encoded-content", contact, "sends readable text in an encoded form")
            return


def _content(contact: Contact, link: Link | None) -> Iterator[Finding]:
    where = link.host if link else "another machine"
    if contact.listens:
        yield _at("network.listens", contact, f"{contact.program} waits for connections from outside")
    if contact.method == "DNS" and contact.sends:
        yield _at("network.name-content", contact, "puts content into the names it looks up")
    elif contact.sends:
        grave = any(kinds(name) & _CREDENTIAL_LIKE for name in contact.sends)
        shown = ", ".join(name[:80] for name in contact.sends[:3] if name != "-") or "what another command prints"
        of_system = any(kinds(name) & {Kind.SYSTEM, Kind.LOGS} for name in contact.sends)
        here = _is_here(link) and contact.program != "tool" and not of_system
        ordinary = (contact.program in _FILE_TRANSFER or here) and not grave and not _is_bulk(contact, link)
        yield _at(
            "network.sends-file",
            contact,
            f"sends {shown} to {where}",
            HIGH if grave else (LOW if ordinary else None),
            SURE,
        )
    elif contact.method == "RAW" and not contact.listens and contact.program != "tool" and not _is_here(link):
        yield _at("network.remote-control", contact, f"opens a raw connection to {where}")


def _is_here(link: Link | None) -> bool:
    return link is not None and link.place == "loopback"


_BULK: Final = re.compile(
    r"(?:^|[_\-./\s])(?:dumps?|exports?|backups?|customers?|clients|patients?|employees|payroll|hr|personnel|accounting|finance)"
    r"(?:[_\-./\s]|$)|\.(?:sql|dump|bak|sqlite3?|mdb|pst)(?:\.\w{1,4})?$",
    re.IGNORECASE,
)
"""Names by which people keep what a database holds, or the papers of a whole department."""
_SHARE: Final = re.compile(
    r"/(?:mnt|media|srv|volumes|exports?|shares?|home|users)/[^/]+/?$|/(?:home|users)/?$|~/?$"
    r"|(?:~|/home/[^/]+|/users/[^/]+)/(?:documents|desktop|pictures|mail)/?$|/var/lib/(?:mysql|postgresql|mongodb|redis)\b",
    re.IGNORECASE,
)
"""A whole disk, share, home or database, not a folder of a project."""
_STORES: Final = uploads.NAMES - {"docker", "podman", "kubectl", "oc"}


def _is_bulk(contact: Contact, link: Link | None) -> bool:
    """A dump or a whole share leaves for a place that nobody vouches for: a store that may be anybody's, one that asks
    for no name, or a bare number on the internet."""
    if contact.method == UNSIGNED:
        return True
    shared = any(_SHARE.match(name) for name in contact.sends)
    if contact.program in _STORES:
        return shared
    return _is_outside_number(link) and (shared or any(_BULK.search(name) for name in contact.sends))


_OWN_NETWORKS: Final = tuple(
    ipaddress.ip_network(network)
    for network in """10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16
    fc00::/7 fe80::/10 ::1/128""".split()
)
"""Networks that are one's own by their number (RFC 1918, 6598, 3927, 4193)."""


def _is_outside_number(link: Link | None) -> bool:
    """A host that is a bare number, of no network of one's own."""
    try:
        address = ipaddress.ip_address(link.host.strip("[]")) if link else None
    except ValueError:
        return False
    return address is not None and not any(address in network for network in _OWN_NETWORKS)
