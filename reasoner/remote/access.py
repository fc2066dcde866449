"""Say where a remote store is and as whom to speak to it; secrets come from the environment or a file, and are never shown."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from reasoner.errors import InputError, SyntaxProblem, UsageError

__all__ = ["NAMES", "Access", "Credentials", "origin_of", "read_credentials", "same_origin", "shown"]

NAMES = ("LEGCRAMPS_REMOTE_USER", "LEGCRAMPS_REMOTE_PASSWORD", "LEGCRAMPS_REMOTE_TOKEN")
"""The environment variables that hold user, password and bearer token."""

_KEYS = ("user", "password", "token", "origin")
_PORTS = {"http": 80, "https": 443}
_LONGEST = 2000
_OTHERS = 0o077
_BAD = re.compile(r"[\x00-\x20\x7f-\uffff\"<>\\^`{|}]")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user with a password, or a bearer token; neither appears when the object is printed."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """The addresses of a store for queries and for updates, both of one origin, and as whom to speak to it."""

    query_url: str
    update_url: str = ""
    credentials: Credentials = Credentials()

    def __post_init__(self) -> None:
        """Refuse addresses that are none, of two origins, or over which a secret would travel in the clear."""
        for url in filter(None, (self.query_url, self.update_url)):
            _check(url)
        if self.update_url and not same_origin(self.query_url, self.update_url):
            raise UsageError(
                "Queries and updates would go to two origins",
                where=f"{shown(self.query_url)} and {shown(self.update_url)}",
                why="credentials belong to one",
                repair="name addresses of the same scheme, host and port",
            )
        if self.credentials.token and not self.is_private:
            raise UsageError(
                "The token would travel in the clear",
                where=shown(self.query_url),
                why="the address is neither https nor of this machine",
                repair="name an https address",
            )

    @property
    def is_private(self) -> bool:
        """Return whether nobody on the way can read along: the address is https, or of this machine."""
        parts = urlsplit(self.query_url)
        return parts.scheme == "https" or _is_loopback(parts.hostname or "")


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        port_is_fit = parts.port != 0
    except ValueError:
        parts, port_is_fit = SplitResult("", "", "", "", ""), False
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "The address holds credentials",
            where=parts.hostname or "",
            why="others see the command line",
            repair=f"set {', '.join(NAMES)}, or name a file by --credentials",
        )
    if parts.scheme not in _PORTS or not parts.hostname or not port_is_fit or parts.fragment or len(url) > _LONGEST or _BAD.search(url):
        raise UsageError(
            "This is no address of a SPARQL store", where=url[:_LONGEST], repair="name an http or https URL without a fragment"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def origin_of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)


def same_origin(one: str, other: str) -> bool:
    """Return whether two URLs have scheme, host and port in common; one that is malformed has none."""
    try:
        return origin_of(one) == origin_of(other)
    except ValueError:
        return False


def shown(url: str) -> str:
    """Return what a message may show of a URL: no user, no query, no fragment."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "a malformed address"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def read_credentials(file: Path | str | None, url: str, environment: Mapping[str, str] = os.environ) -> Credentials:
    """Return the credentials for the store at `url`: from a TOML file that only its owner can read, else from the environment.

    Raises InputError or SyntaxProblem for a file that is not as it should be, UsageError for one of another origin.
    """
    if file is None:
        found = dict(zip(_KEYS, (environment.get(name, "") for name in NAMES), strict=False))
    else:
        found = _read(Path(file))
        if found.get("origin") and not same_origin(found["origin"], url):
            raise UsageError(
                "The credentials belong to another origin",
                where=str(file),
                why=f"they are for {shown(found['origin'])}",
                repair="name the file of this store",
            )
    user, password, token = (found.get(key, "") for key in _KEYS[:3])
    if bool(user) != bool(password) or (user and token):
        raise UsageError("The credentials are incomplete", repair="give user and password, or a token")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in user + password + token):
        raise UsageError("The credentials hold a control character", repair="write them on one line, without a line break at the end")
    return Credentials(user, password, token)


def _read(file: Path) -> dict[str, str]:
    try:
        if file.stat().st_mode & _OTHERS:
            raise InputError("Others can read the credentials", where=str(file), repair="chmod 600 the file")
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError("The credentials cannot be read", where=str(file), why=error.strerror or "", repair="check the path") from error
    except ValueError as error:  # the reason could quote a secret
        raise SyntaxProblem(
            "The credentials are malformed", where=str(file), repair='write TOML: user = "…" and password = "…", or token = "…"'
        ) from error
    if not set(found) <= set(_KEYS) or not all(isinstance(value, str) for value in found.values()):
        raise SyntaxProblem("The credentials are malformed", where=str(file), repair=f"use the keys {', '.join(_KEYS)}, each with a text")
    return found
