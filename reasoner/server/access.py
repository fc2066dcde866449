"""Read who may call the server and what it may call, from a file in TOML.

| key | says |
|---|---|
| `public` | the address under which callers reach the server; a token is made for it |
| `origins` | the web pages whose scripts may call it |
| `fhir` | the FHIR servers, by https, that it may ask for data that was not prefetched |
| `authorities` | a file of certificates to trust for that, instead of the usual ones |
| `feedback` | the file that keeps what clinicians did with cards |
| `[[client]]` | a caller: its `issuer`, and either `keys`, a file with its JWK Set, or `jku`, the https address of it |
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reasoner.errors import InputError, UsageError

__all__ = ["Access", "Caller", "read_access"]

_KEYS = {"authorities", "client", "feedback", "fhir", "origins", "public"}
_CLIENT = {"issuer", "jku", "keys"}
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Caller:
    """A listed client: its issuer, its JWK Set, or the address of that."""

    issuer: str
    keys: Mapping[str, Any] = field(default_factory=dict, repr=False)
    jku: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call, and what may be called; nobody is listed by default, and nothing."""

    public: str = ""
    origins: tuple[str, ...] = ()
    fhir: tuple[str, ...] = ()
    authorities: str | None = None
    feedback: Path | None = None
    clients: tuple[Caller, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the host names under which callers reach the server."""
        name = urlsplit(self.public).hostname
        return (name,) if name else ()

    def is_open(self, host: str) -> bool:
        """Return whether calls need no token: nobody is listed, and only this machine can call."""
        return not self.clients and host in _LOOPBACK


def read_access(path: Path) -> Access:
    """Return what a file says; raise InputError when it cannot be read, UsageError for a key or value that has no meaning."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError("The access file cannot be read", where=str(path), why=str(error), repair="write it in TOML") from error
    _known(given, _KEYS, path)
    return Access(
        _text(given, "public", path).rstrip("/"),
        _texts(given, "origins", path),
        tuple(_secure(each, path).rstrip("/") for each in _texts(given, "fhir", path)),
        str(path.parent / given["authorities"]) if _text(given, "authorities", path) else None,
        path.parent / given["feedback"] if _text(given, "feedback", path) else None,
        tuple(_caller(each, path) for each in _tables(given, path)),
    )


def _caller(given: Mapping[str, Any], path: Path) -> Caller:
    _known(given, _CLIENT, path)
    issuer, keys, jku = (_text(given, name, path) for name in ("issuer", "keys", "jku"))
    if not issuer or bool(keys) == bool(jku):
        raise _unusable(path, "a client has an issuer, and either keys or jku")
    if jku:
        return Caller(issuer, {}, _secure(jku, path))
    try:
        found = json.loads((path.parent / keys).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError("The keys cannot be read", where=str(path.parent / keys), why=str(error), repair="write a JWK Set") from error
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise InputError("The keys cannot be read", where=str(path.parent / keys), why="it is no JWK Set", repair="write a JWK Set")
    return Caller(issuer, found)


def _known(given: Mapping[str, Any], keys: set[str], path: Path) -> None:
    unknown = sorted(given.keys() - keys)
    if unknown:
        raise _unusable(path, f"{', '.join(unknown)} is none of {', '.join(sorted(keys))}")


def _text(given: Mapping[str, Any], name: str, path: Path) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise _unusable(path, f"{name} is no text")
    return value


def _texts(given: Mapping[str, Any], name: str, path: Path) -> tuple[str, ...]:
    value = given.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) and each != "*" for each in value):
        raise _unusable(path, f"{name} is no list of texts, each of one place")
    return tuple(value)


def _tables(given: Mapping[str, Any], path: Path) -> list[Mapping[str, Any]]:
    value = given.get("client", [])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _unusable(path, "client is no list of tables")
    return value


def _secure(address: str, path: Path) -> str:
    if not address.startswith("https://"):
        raise _unusable(path, f"{address} is no https address")
    return address


def _unusable(path: Path, why: str) -> UsageError:
    return UsageError("The access file has no meaning", where=str(path), why=why, repair="see docs/integrators.md")
