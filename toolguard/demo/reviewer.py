"""A reviewer's program: the REST API over HTTP, with a reviewer's token. It answers only when it is told to."""

from __future__ import annotations

from typing import Final

import httpx

from toolguard.core.model import Json
from toolguard.errors import UpstreamError

ANSWER_SECONDS: Final = 10
"""For one answer of a server on this machine."""


class Desk:
    """The REST API as one reviewer sees it."""

    def __init__(self, url: str, token: str) -> None:
        # `trust_env` off: a proxy that is set for the web must not see a reviewer's token.
        self._http = httpx.AsyncClient(
            base_url=f"{url}/api/v1",
            headers={"authorization": f"Bearer {token}"},
            timeout=ANSWER_SECONDS,
            trust_env=False,
        )

    async def waiting(self) -> list[dict[str, Json]]:
        """Approval requests that wait for an answer, oldest first."""
        found: list[dict[str, Json]] = (await self._get("/approvals?state=pending"))["approvals"]
        return found

    async def request(self, request_id: str) -> dict[str, Json]:
        return await self._get(f"/approvals/{request_id}")

    async def vote(self, request: dict[str, Json], choice: str, reason: str) -> None:
        """Answer exactly the request that was shown: the vote echoes its digest."""
        body = {"vote": choice, "request_digest": request["request_digest"], "reason": reason}
        await self._send("POST", f"/approvals/{request['id']}/votes", body)

    async def events(self, after: int) -> list[dict[str, Json]]:
        """Events of the audit log with a larger number, in order."""
        found: list[dict[str, Json]] = (await self._get(f"/audit?after={after}&limit=1000"))["events"]
        return found

    async def close(self) -> None:
        await self._http.aclose()

    async def _get(self, path: str) -> dict[str, Json]:
        return await self._send("GET", path, None)

    async def _send(self, method: str, path: str, body: Json) -> dict[str, Json]:
        try:
            response = await self._http.request(method, path, json=body)
            answer: dict[str, Json] = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise UpstreamError(f"the review server did not answer {method} {path}: {error}") from error
        if response.is_error:
            raise UpstreamError(f"the review server refused {method} {path}: {answer.get('detail', response.text)}")
        return answer
