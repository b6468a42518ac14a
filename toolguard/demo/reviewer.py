"""A reviewer's program: the REST API over HTTP, with a reviewer's token. It answers only when it is told to."""

from __future__ import annotations

import asyncio
import http.client
import json
from contextlib import closing
from typing import Final
from urllib.parse import urlsplit

from toolguard.core.model import Json
from toolguard.errors import UpstreamError

ANSWER_SECONDS: Final = 10
"""For one answer of a server on this machine."""


class Desk:
    """The REST API as one reviewer sees it."""

    def __init__(self, url: str, token: str) -> None:
        # Straight to the address: a proxy that is set for the web must not see a reviewer's token.
        self._server = urlsplit(url).netloc
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    async def waiting(self) -> list[dict[str, Json]]:
        """Approval requests that wait for an answer, oldest first."""
        found: list[dict[str, Json]] = (await self._get("/approvals?state=pending"))["approvals"]
        return found

    async def request(self, request_id: str) -> dict[str, Json]:
        return await self._get(f"/approvals/{request_id}")

    async def vote(self, request: dict[str, Json], choice: str, reason: str) -> None:
        """Answer exactly the request that was shown: the vote echoes its digest."""
        vote = {"vote": choice, "request_digest": request["request_digest"], "reason": reason}
        await self._send("POST", f"/approvals/{request['id']}/votes", json.dumps(vote))

    async def events(self, after: int) -> list[dict[str, Json]]:
        """Events of the audit log with a larger number, in order."""
        found: list[dict[str, Json]] = (await self._get(f"/audit?after={after}&limit=1000"))["events"]
        return found

    async def _get(self, path: str) -> dict[str, Json]:
        return await self._send("GET", path)

    async def _send(self, method: str, path: str, body: str | None = None) -> dict[str, Json]:
        return await asyncio.to_thread(self._exchange, method, path, body)

    def _exchange(self, method: str, path: str, body: str | None) -> dict[str, Json]:
        with closing(http.client.HTTPConnection(self._server, timeout=ANSWER_SECONDS)) as connection:
            try:
                connection.request(method, f"/api/v1{path}", body, self._headers)
                response = connection.getresponse()
                answer: dict[str, Json] = json.loads(response.read())
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise UpstreamError(f"the review server did not answer {method} {path}: {error}") from error
        if response.status >= 400:
            raise UpstreamError(f"the review server refused {method} {path}: {answer.get('detail', response.reason)}")
        return answer
