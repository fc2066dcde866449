"""Ask the few servers that are allowed, and no others: over https, without redirects, within limits of bytes and seconds.

A caller chooses the address of its FHIR server, and a page the address of the next one; so every address is held against
the list before a connection is made, and a token goes nowhere else.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

__all__ = ["Outside"]

_MOST = 16 * 1024 * 1024
_SECONDS = 5.0
_JSON = ("application/fhir+json", "application/json", "application/jwk-set+json")


class Outside:
    """Fetches JSON from addresses below allowed bases, and public keys from listed addresses."""

    def __init__(self, bases: tuple[str, ...], keys: tuple[str, ...] = (), authorities: str | None = None) -> None:
        self._bases = tuple(base.rstrip("/") for base in bases)
        self._keys = keys
        context = ssl.create_default_context(cafile=authorities)
        self._client = httpx.AsyncClient(verify=context, follow_redirects=False, trust_env=False, timeout=_SECONDS)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def allows(self, server: str) -> bool:
        """Return whether a FHIR server is on the list and spoken to over https."""
        return server.rstrip("/") in self._bases and server.startswith("https://")

    async def resource(self, server: str, query: str, token: str) -> bytes | None:
        """Return what a query, or the address of a page, brings from an allowed server; None when it cannot be had."""
        address = urljoin(f"{server.rstrip('/')}/", query)
        if not self.allows(server) or not _below(address, server):
            return None
        headers = {"accept": "application/fhir+json"} | ({"authorization": f"Bearer {token}"} if token else {})
        return await self._get(address, headers)

    async def key_set(self, address: str) -> Mapping[str, Any] | None:
        """Return the JWK Set at a listed address, or None."""
        if address not in self._keys or not address.startswith("https://"):
            return None
        text = await self._get(address, {"accept": "application/json"})
        try:
            found = json.loads(text) if text and len(text) < 1_000_000 else None
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    async def _get(self, address: str, headers: Mapping[str, str]) -> bytes | None:
        parts: list[bytes] = []
        size = 0
        try:
            async with self._client.stream("GET", address, headers=dict(headers)) as answer:
                media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                if answer.status_code != httpx.codes.OK or media not in _JSON:
                    return None
                async for part in answer.aiter_bytes():
                    size += len(part)
                    if size > _MOST:
                        return None
                    parts.append(part)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return None
        return b"".join(parts)


def _below(address: str, server: str) -> bool:
    """Return whether an address has the origin of a server and lies below its path."""
    try:
        one, other = urlsplit(address), urlsplit(server)
        same = (one.scheme, one.hostname, one.port, one.username) == (other.scheme, other.hostname, other.port, None)
    except ValueError:
        return False
    stem = other.path.rstrip("/")
    return same and ".." not in one.path and (one.path == stem or one.path.startswith(f"{stem}/"))
