"""Trust a caller by a JSON Web Token, as CDS Hooks 2.0 demands of every call: signed by a key of a client on a list, once, and soon.

| part | must be |
|---|---|
| `alg` | one of a fixed list of asymmetric algorithms; `typ` JWT; no critical extensions |
| `iss` | a client on the list; `jku`, where there is one, the address on the list for that client |
| `kid` | a key of that client |
| `aud` | the address that is called, alone |
| `exp`, `iat` | not past, not to come, at most an hour apart |
| `jti` | never seen before |

Whatever fails, the caller learns the same: nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from reasoner.errors import ForbiddenError
from reasoner.server.access import Caller

__all__ = ["ALGORITHMS", "Guard", "Unauthorised"]

ALGORITHMS = ("ES256", "ES384", "ES512", "PS256", "PS384", "RS256", "RS384", "RS512")
"""The signatures that are taken; no others, whatever a token or a key says."""

_KINDS = ("EC", "RSA")
_LONGEST = 8192
_LIFETIME = 3600
_LEEWAY = 30
_MOST_SEEN = 200_000
_FRESH = 300.0
_STALE = 30.0
_CLAIMS = ("aud", "exp", "iat", "iss", "jti")

Fetch = Callable[[str], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class _Key:
    """A public key, and the one algorithm that it is for, where its description names one."""

    key: Any
    algorithm: str


Keys = Mapping[str, _Key]


class Unauthorised(ForbiddenError):
    """A call without a token that can be trusted."""

    def __init__(self) -> None:
        super().__init__("The call is not authorised", repair="send a JSON Web Token as CDS Hooks demands")


class Guard:
    """Lets the calls of listed clients through, each token once."""

    def __init__(self, clients: tuple[Caller, ...], fetch: Fetch, clock: Callable[[], float] = time.time) -> None:
        self._clients = {client.issuer: client for client in clients}
        self._keys = {client.issuer: _usable(client.keys) for client in clients}
        self._fetched: dict[str, float] = {}
        self._seen: dict[bytes, float] = {}
        self._fetch = fetch
        self._clock = clock
        self._turn = asyncio.Lock()

    async def admit(self, authorizations: list[str], address: str) -> str:
        """Return the issuer of a call to `address` with these Authorization headers; raise Unauthorised."""
        if len(authorizations) != 1:
            raise Unauthorised
        scheme, _, token = authorizations[0].partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST:
            raise Unauthorised
        try:
            client, key = await self._key(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                issuer=client.issuer,
                leeway=_LEEWAY,
                options={"require": list(_CLAIMS), "verify_aud": False, "verify_exp": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError):
            raise Unauthorised from None
        self._check(claims, address)
        return client.issuer

    async def _key(self, token: str) -> tuple[Caller, Any]:
        """Return the client and the key that a token names, before anything of it is believed."""
        head = jwt.get_unverified_header(token)
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        client = self._clients.get(issuer) if isinstance(issuer, str) else None
        name, address = head.get("kid"), head.get("jku")
        if client is None or head.get("alg") not in ALGORITHMS or str(head.get("typ")).upper() != "JWT" or "crit" in head:
            raise Unauthorised
        if not isinstance(name, str) or (address is not None and (not client.jku or address != client.jku)):
            raise Unauthorised
        key = (await self._keys_of(client, name)).get(name)
        if key is None or key.algorithm not in ("", head["alg"]):
            raise Unauthorised
        return client, key.key

    async def _keys_of(self, client: Caller, name: str) -> Keys:
        """Return a client's keys; those at an address are fetched when old, or, at most twice a minute, when one is unknown."""
        if not client.jku:
            return self._keys[client.issuer]
        async with self._turn:
            age = self._clock() - self._fetched.get(client.issuer, -_FRESH)
            if age >= _FRESH or (name not in self._keys[client.issuer] and age >= _STALE):
                self._fetched[client.issuer] = self._clock()
                found = await self._fetch(client.jku)
                if found is not None:
                    self._keys[client.issuer] = _usable(found)
            return self._keys[client.issuer]

    def _check(self, claims: Mapping[str, Any], address: str) -> None:
        now = self._clock()
        issued, expires, name = claims["iat"], claims["exp"], claims["jti"]
        if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in (issued, expires)):
            raise Unauthorised
        if expires <= now - _LEEWAY or issued > now + _LEEWAY or not 0 < expires - issued <= _LIFETIME:
            raise Unauthorised
        if claims["aud"] not in (address, [address]) or not isinstance(name, str) or not name:
            raise Unauthorised
        self._use(hashlib.sha256(f"{claims['iss']}\n{name}".encode()).digest(), expires + _LEEWAY, now)

    def _use(self, mark: bytes, until: float, now: float) -> None:
        """Note a token as used; raise Unauthorised when it was before, or when no more can be noted."""
        if len(self._seen) >= _MOST_SEEN:
            self._seen = {each: end for each, end in self._seen.items() if end > now}
        if mark in self._seen or len(self._seen) >= _MOST_SEEN:
            raise Unauthorised
        self._seen[mark] = until


def _usable(document: Mapping[str, Any]) -> Keys:
    """Return the public keys of a JWK Set that can check a signature, by their names; symmetric ones are no keys here."""
    found: dict[str, _Key] = {}
    listed = document.get("keys", ())
    for each in listed if isinstance(listed, list | tuple) else ():
        if isinstance(each, dict) and each.get("kty") in _KINDS and each.get("use", "sig") == "sig" and isinstance(each.get("kid"), str):
            try:
                found[each["kid"]] = _Key(jwt.PyJWK.from_dict(each).key, str(each.get("alg", "")))
            except (jwt.PyJWTError, ValueError, TypeError, KeyError):
                continue
    return found
