"""Sending HTTP to addresses from the configuration without being sent elsewhere. The only door to httpx.

A name is resolved once, every address it has must be public, and the connection goes to the checked address with the
name's own SNI and Host: a resolver that answers differently a moment later is never asked. No redirect is followed
(a 302 turned a peer's POST into a GET elsewhere and was reported as success), and no proxy of the environment is used.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from toolguard.core.urls import host_place

SECONDS: Final = 10.0
"""For a whole exchange: a server that drips bytes must not hold up the others."""
ANSWER_BYTES: Final = 65_536
_BLOCKED: Final = (ipaddress.ip_network("168.63.129.16/32"),)
"""Public by number, but the wire server of a cloud (Azure)."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came back."""

    status: int
    """HTTP status; 0 when there was no answer."""
    text: str = ""
    retry_after: float | None = None
    """Seconds, where the server named them."""
    error: str = ""
    content: bytes = b""
    """The answer as it came, up to ANSWER_BYTES."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Refused(ValueError):
    """The address must not be connected to."""


async def post(url: str, body: bytes, headers: Mapping[str, str], *, allowed: Collection[str] = ()) -> Sent:
    """POST once. `allowed` names `host:port` pairs inside that the operator permits. Total: failures are a `Sent`."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _post(httpx.URL(url), body, headers, allowed)
    except TimeoutError:
        return Sent(0, error=f"no answer within {SECONDS:g} s")
    except Refused as error:
        return Sent(0, error=str(error))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        return Sent(0, error=f"{type(error).__name__}: {error}"[:300])


async def _post(url: httpx.URL, body: bytes, headers: Mapping[str, str], allowed: Collection[str]) -> Sent:
    if url.scheme not in ("https", "http") or url.userinfo or not url.host:
        raise Refused("only http and https addresses without a login are sent to")
    port = url.port or (443 if url.scheme == "https" else 80)
    inside = f"{url.host}:{port}" in allowed
    if url.scheme == "http" and not inside:
        raise Refused("plain http is sent only to a host:port that the configuration allows")
    address = await _resolve(url.host, port, inside=inside)
    request = httpx.Request(
        "POST",
        url.copy_with(host=address),
        content=body,
        headers={**headers, "Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity"},
        extensions={"sni_hostname": url.host},
    )
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=SECONDS) as client:
        answer = await client.send(request, stream=True)
        try:
            found = b""
            async for chunk in answer.aiter_raw():
                found += chunk
                if len(found) > ANSWER_BYTES:
                    break
        finally:
            await answer.aclose()
    found = found[:ANSWER_BYTES]
    text = found.decode("utf-8", "replace")
    return Sent(answer.status_code, text, _seconds(answer.headers.get("retry-after")), content=found)


async def _resolve(host: str, port: int, *, inside: bool) -> str:
    """The one address to connect to, all of them checked. Raises Refused or OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses:
        raise Refused(f"{host} has no address")
    if not inside:
        for address in addresses:
            if not is_public(address):
                raise Refused(f"{host} leads to {address}, which is not a public address")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether a numeric address may be sent to without the operator's permission."""
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    blocked = any(number in network for network in _BLOCKED if network.version == number.version)
    return host_place(str(number)) == "public" and number.is_global and not number.is_multicast and not blocked


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 7 else None
