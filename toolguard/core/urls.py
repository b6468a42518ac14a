"""The door to ada-url: addresses as a browser would read them, and what sort of place their host is.

Names are never resolved. Where the text and the parser disagree about the host, `disguised` says so.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, unquote

import ada_url

MAX_URL: Final = 16_384

_SCHEME: Final = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:")  # a scheme of its own
_HOST_PORT: Final = re.compile(
    r"^[\w.-]+:\d+(?:[/?#]|$)"
)  # host:port without a scheme, which a parser takes for scheme:path
_METADATA: Final = frozenset(
    {
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "metadata.google.internal",
        "metadata.goog",
        "metadata",
        "metadata.azure.internal",
        "instance-data",
        "instance-data.ec2.internal",
    }
)
"""Where cloud machines hand out credentials: AWS, Azure, GCP, Alibaba, Oracle."""
_RELAYS: Final = re.compile(
    r"(?:^|\.)(?:webhook\.site|requestbin\.(?:com|net)|pipedream\.net|beeceptor\.com|hookbin\.com|requestcatcher\.com|interact\.sh|oast\.(?:fun|live|me|pro|site|online)"
    r"|burpcollaborator\.net|oastify\.com|canarytokens\.com|dnslog\.cn|ceye\.io|ngrok(?:-free)?\.(?:io|app|dev)|trycloudflare\.com|serveo\.net|localtunnel\.me|loca\.lt|localhost\.run"
    r"|pastebin\.com|paste\.ee|hastebin\.com|dpaste\.(?:com|org)|ix\.io|sprunge\.us|termbin\.com|0x0\.st|transfer\.sh|file\.io|tmpfiles\.org|gofile\.io|anonfiles\.com|bashupload\.com|catbox\.moe"
    r"|api\.telegram\.org|discord(?:app)?\.com/api/webhooks|hooks\.slack\.com)(?:$|/|:)"
)
"""Public places that take anything from anybody and show it to whoever asks: the usual ends of an exfiltration."""
_WILDCARD_DNS: Final = re.compile(
    r"(?:^|\.)(\d{1,3}[.-]\d{1,3}[.-]\d{1,3}[.-]\d{1,3})\.(?:nip|sslip|xip)\.io$"
)  # a name that resolves to the address in it
_LOCAL_NAMES: Final = re.compile(
    r"(?:^|\.)(?:localhost|localdomain|local|internal|intranet|corp|lan|home|localtest\.me|lvh\.me|vcap\.me)$"
)
_OPAQUE: Final = re.compile(
    r"cursor|token|page|after|before|next|state|code|sig|hash|etag|continuation|csrf|saml|jwt|nonce", re.IGNORECASE
)
"""Parameters that hold encoded text by custom: positions in a list, sign-in states, signatures."""
_ENCODED_LABEL: Final = re.compile(
    r"^(?:[0-9a-f]{24,}|[a-z2-7]{32,}|(?=[^.]*\d)(?=[^.]*[a-z])[a-z0-9_-]{40,})$"
)  # hex, base32 or a long mix


@dataclass(frozen=True, slots=True)
class Link:
    """An address, read."""

    href: str
    scheme: str
    host: str
    """Lower case, numeric addresses in dotted form; empty when there is none."""
    port: int | None
    path: str
    query: str
    place: str
    """`public`, `loopback`, `private`, `metadata`, `relay`, `local-name`, or empty without a host."""
    disguised: str = ""
    """Why the host does not look like what it is; empty when it does."""
    encoded: str = ""
    """A part that carries encoded content instead of a name; empty when there is none."""
    has_login: bool = False


@lru_cache(maxsize=2048)
def parse(text: str) -> Link | None:
    """The address in a text, with `http:` where no scheme is given; None when it is none. Pure."""
    if not text or len(text) > MAX_URL or any(c.isspace() for c in text.strip()):
        return None
    source = text.strip()
    if _HOST_PORT.match(source) or not _SCHEME.match(source):
        source = "http://" + source.removeprefix("//")
    try:
        url = ada_url.URL(_known_scheme(source))
    except ValueError:
        return None
    host = url.hostname.strip("[]").lower().rstrip(".")
    place = host_place(host)
    if place == "public" and _RELAYS.search(host + url.pathname):
        place = "relay"
    return Link(
        source,
        source.partition(":")[0].lower(),
        host,
        int(url.port) if url.port else None,
        url.pathname,
        url.search.lstrip("?"),
        place,
        _disguise(source, host, bool(url.username)),
        _encoded(source.partition("://")[2].partition("/")[0], host, url.search),
        bool(url.username or url.password),
    )


def _known_scheme(source: str) -> str:
    """Schemes that a browser does not know keep their host only if read as one that it knows."""
    scheme, _, rest = source.partition("://")
    return source if scheme.lower() in ("http", "https", "ftp", "ws", "wss", "file") or not rest else f"http://{rest}"


def host_place(host: str) -> str:
    """What sort of place a host is, from its name or number alone."""
    if not host:
        return ""
    if host in _METADATA:
        return "metadata"
    wildcard = _WILDCARD_DNS.search(host)
    if wildcard:
        return host_place(wildcard[1].replace("-", "."))
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        if (
            host == "localhost"
            or host.endswith((".localhost", ".localtest.me", ".lvh.me"))
            or host in ("localtest.me", "lvh.me", "ip6-localhost")
        ):
            return "loopback"
        return "local-name" if _LOCAL_NAMES.search(host) or "." not in host else "public"
    return _address_place(address)


def _address_place(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    inner = _embedded(address)
    if inner is not None:
        return _address_place(inner)
    if str(address) in _METADATA:
        return "metadata"
    if address.is_loopback or address.is_unspecified:
        return "loopback"
    if address.is_link_local or address.is_private or address.is_reserved or address.is_multicast:
        return "private"
    return "public" if address.is_global else "private"


def _embedded(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside a mapped, NAT64, 6to4 or Teredo one (RFC 4291, 6052, 3056, 4380)."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in ipaddress.ip_network("64:ff9b::/96") or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _disguise(source: str, host: str, login: bool) -> str:
    """How the written host differs from the real one."""
    authority = re.split(r"[/?#]", source.partition("://")[2], maxsplit=1)[0]
    written = authority.rpartition("@")[2]
    if "\\" in authority or "\\" in source.partition("://")[2][:200]:
        return "a backslash in it is read differently by different programs"
    if login and "." in authority.rpartition("@")[0]:
        return f"what stands before `@` looks like a host, the real one is {host}"
    bare = written.strip("[]").partition("]")[0]
    bare = re.sub(r":\d*$", "", bare) if bare.count(":") == 1 else bare
    if (
        re.fullmatch(r"[\d.]+", host)
        and bare.rstrip(".").lower() != host
        and re.fullmatch(r"[0-9a-fx.]+", bare.lower())
    ):
        return f"a number written to hide the address {host}"
    if "%" in written and unquote(written) != written:
        return f"its host is percent-encoded, it is {host}"
    if any(ord(c) > 127 for c in written) and not host.startswith("xn--") and ".xn--" not in host:
        return f"look-alike characters in it stand for {host}"
    return ""


def _encoded(authority: str, host: str, query: str) -> str:
    """Content that travels in a name or under several layers of encoding."""
    labels = host.split(".")[:-2]
    if any(_ENCODED_LABEL.match(label) or hidden_text(label) for label in [*labels, *authority.split(".")[:-2]]):
        return "encoded content in the host name"
    lengths = [len(label) for label in labels if len(label) >= 8]
    if len(labels) >= 4 and any(lengths.count(length) >= 3 for length in lengths):
        return "content cut into labels of the host name"
    for name, value in parse_qsl(query.lstrip("?"))[:40]:
        if not _OPAQUE.search(name) and hidden_text(value):
            return f"encoded text in the parameter `{name[:40]}`"
    if re.search(r"%25(?:25)*[0-9a-fA-F]{2}", query):
        return "a value encoded more than once"
    if len(re.findall(r"%(?:3[0-9]|4[1-9a-fA-F]|5[0-9aA]|6[1-9a-fA-F]|7[0-9aA])", query)) >= 8:
        return "letters and digits percent-encoded, which nothing requires"
    return ""


def hidden_text(value: str) -> bool:
    """Hexadecimal or base64 that decodes to readable text: chance makes that of no random value of this length."""
    compact = value.replace("-", "").replace(":", "").replace(" ", "")
    raw = b""
    try:
        if len(compact) >= 20 and re.fullmatch(r"(?:[0-9a-fA-F]{2})+", compact):
            raw = bytes.fromhex(compact)
        elif (
            len(value) >= 14
            and re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", value)
            and re.search(r"[a-z]", value)
            and re.search(r"[A-Z]", value)
        ):
            raw = base64.b64decode(
                value.rstrip("=").replace("-", "+").replace("_", "/") + "=" * (-len(value.rstrip("=")) % 4)
            )
    except (binascii.Error, ValueError):
        return False
    return len(raw) >= 10 and all(32 <= byte < 127 for byte in raw)
