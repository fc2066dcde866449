"""Only a call with a fresh token, signed by a listed client for this very address, is let in; every other learns the same nothing."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from canaries import certificate, listening
from cds_server import PUBLIC, Server, caller
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from reasoner.errors import LegcrampsError
from reasoner.program import Program
from reasoner.server.access import Access, read_access
from reasoner.server.outside import Outside
from reasoner.server.tokens import ALGORITHMS, Guard, Unauthorised

ISSUER = "https://ehr.example.org/"
URL = f"{PUBLIC}/cds-services"
NOW = 1_800_000_000
EC_KEY, OTHER_KEY, RSA_KEY = (
    ec.generate_private_key(ec.SECP384R1()),
    ec.generate_private_key(ec.SECP384R1()),
    rsa.generate_private_key(65537, 2048),
)


def public(key: Any, name: str) -> dict[str, Any]:
    algorithm = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
    found: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key()))
    return found | {"kid": name, "use": "sig"}


KEYS = [public(EC_KEY, "ec") | {"alg": "ES384"}, public(RSA_KEY, "rsa"), {"kty": "oct", "kid": "shared", "k": "c2VjcmV0", "alg": "HS256"}]


@dataclass
class Clock:
    """A clock that tests set."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


def token(key: Any = EC_KEY, algorithm: str = "ES384", head: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return a token that is good but for what is given; a claim that is None is left out."""
    given = {"iss": ISSUER, "aud": URL, "iat": NOW, "exp": NOW + 300, "jti": str(uuid.uuid4())} | claims
    headers = {name: each for name, each in ({"kid": "ec", "typ": "JWT"} | (head or {})).items() if each is not None}
    return jwt.encode({name: each for name, each in given.items() if each is not None}, key, algorithm, headers=headers)


def unsigned() -> str:
    return jwt.encode({"iss": ISSUER, "aud": URL, "iat": NOW, "exp": NOW + 300, "jti": "x"}, None, "none", headers={"kid": "ec"})


def symmetric() -> str:
    """Return a token signed with the public key as if it were a shared secret."""
    import base64
    import hashlib
    import hmac

    secret = EC_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    parts = [{"alg": "HS256", "typ": "JWT", "kid": "ec"}, {"iss": ISSUER, "aud": URL, "iat": NOW, "exp": NOW + 300, "jti": "h"}]
    said = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    mark = base64.urlsafe_b64encode(hmac.digest(secret, said, hashlib.sha256)).rstrip(b"=")
    return (said + b"." + mark).decode()


def tampered() -> str:
    head, _, mark = token().split(".")
    return ".".join((head, token(jti="other").split(".")[1], mark))


BAD: dict[str, Callable[[], list[str]]] = {
    "no token": list,
    "no scheme": lambda: [token()],
    "basic": lambda: ["Basic dXNlcjpwYXNz"],
    "empty": lambda: ["Bearer "],
    "no token at all": lambda: ["Bearer x"],
    "dots": lambda: ["Bearer ..."],
    "unsigned": lambda: [f"Bearer {unsigned()}"],
    "public key as secret": lambda: [f"Bearer {symmetric()}"],
    "shared key of the set": lambda: [f"Bearer {token('secret' * 8, 'HS256', {'kid': 'shared'})}"],
    "tampered": lambda: [f"Bearer {tampered()}"],
    "key of another": lambda: [f"Bearer {token(OTHER_KEY)}"],
    "unknown kid": lambda: [f"Bearer {token(head={'kid': 'new'})}"],
    "no kid": lambda: [f"Bearer {token(head={'kid': None})}"],
    "kid of another kind": lambda: [f"Bearer {token(head={'kid': 'rsa'})}"],
    "kid no text": lambda: [f"Bearer {token(head={'kid': ''})}"],
    "other type": lambda: [f"Bearer {token(head={'typ': 'at+jwt'})}"],
    "critical extension": lambda: [f"Bearer {token(head={'crit': ['x'], 'x': 1})}"],
    "unknown issuer": lambda: [f"Bearer {token(iss='https://evil.example/')}"],
    "no issuer": lambda: [f"Bearer {token(iss=None)}"],
    "listed client's jku elsewhere": lambda: [f"Bearer {token(head={'jku': 'https://evil.example/keys'})}"],
    "aud of another service": lambda: [f"Bearer {token(aud=f'{URL}/legcramps-order-sign')}"],
    "aud with a slash": lambda: [f"Bearer {token(aud=f'{URL}/')}"],
    "aud by http": lambda: [f"Bearer {token(aud=URL.replace('https', 'http'))}"],
    "several auds": lambda: [f"Bearer {token(aud=[URL, 'https://elsewhere.example'])}"],
    "no aud": lambda: [f"Bearer {token(aud=None)}"],
    "empty aud": lambda: [f"Bearer {token(aud=[])}"],
    "expired": lambda: [f"Bearer {token(iat=NOW - 400, exp=NOW - 60)}"],
    "no exp": lambda: [f"Bearer {token(exp=None)}"],
    "no iat": lambda: [f"Bearer {token(iat=None)}"],
    "issued in the future": lambda: [f"Bearer {token(iat=NOW + 3600, exp=NOW + 3900)}"],
    "valid too long": lambda: [f"Bearer {token(exp=NOW + 10 * 365 * 86400)}"],
    "exp before iat": lambda: [f"Bearer {token(iat=NOW, exp=NOW)}"],
    "no jti": lambda: [f"Bearer {token(jti=None)}"],
    "empty jti": lambda: [f"Bearer {token(jti='')}"],
    "two tokens": lambda: [f"Bearer {token()}", f"Bearer {token()}"],
    "a megabyte": lambda: [f"Bearer {token(tenant='x' * 1_000_000)}"],
    "just too long": lambda: [f"Bearer {token(tenant='x' * 6200)}"],
}


def guard(clock: Clock | None = None) -> Guard:
    async def nothing(_: str) -> None:
        raise AssertionError("nothing is to be fetched")

    return Guard((caller(ISSUER, *KEYS),), nothing, clock or Clock())


def admitted(guarding: Guard, headers: list[str], address: str = URL) -> str:
    return asyncio.run(guarding.admit(headers, address))


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(EC_KEY, "ES384", "ec"), (RSA_KEY, "RS384", "rsa"), (RSA_KEY, "PS384", "rsa"), (RSA_KEY, "RS256", "rsa")]
)
def test_a_good_token_names_its_client(key: Any, algorithm: str, kid: str) -> None:
    assert admitted(guard(), [f"Bearer {token(key, algorithm, {'kid': kid})}"]) == ISSUER


def test_an_audience_may_be_a_list_of_the_address_alone() -> None:
    assert admitted(guard(), [f"Bearer {token(aud=[URL])}"]) == ISSUER


@pytest.mark.parametrize("name", BAD)
def test_any_other_is_not_let_in(name: str) -> None:
    with pytest.raises(Unauthorised):
        admitted(guard(), BAD[name]())


def test_no_algorithm_is_symmetric_or_none() -> None:
    assert not [each for each in ALGORITHMS if each.lower() == "none" or each.startswith("HS")]
    assert {"ES384", "RS384"} <= set(ALGORITHMS)


def test_a_token_is_good_once() -> None:
    guarding, sent = guard(), [f"Bearer {token()}"]
    assert admitted(guarding, sent) == ISSUER
    with pytest.raises(Unauthorised):
        admitted(guarding, sent)
    assert admitted(guarding, [f"Bearer {token()}"]) == ISSUER


def test_a_used_token_is_known_until_it_has_expired() -> None:
    clock = Clock()
    guarding = guard(clock)
    sent = [f"Bearer {token(jti='one')}"]
    admitted(guarding, sent)
    for seconds in (60, 299, 329):
        clock.now = NOW + seconds
        with pytest.raises(Unauthorised):
            admitted(guarding, sent)


def test_a_refused_token_uses_nothing_up() -> None:
    guarding = guard()
    with pytest.raises(Unauthorised):
        admitted(guarding, [f"Bearer {token(jti='one')}"], f"{URL}/other")
    assert admitted(guarding, [f"Bearer {token(jti='one')}"]) == ISSUER


# --- over HTTP ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(knowledge: Program) -> Server:
    return Server(knowledge, Access(PUBLIC, clients=(caller(ISSUER, *KEYS),)), clock=Clock())


CALLS = [
    ("GET", "/cds-services"),
    ("POST", "/cds-services/legcramps-patient-view"),
    ("POST", "/cds-services/nobody"),
    ("POST", "/cds-services/legcramps-patient-view/feedback"),
    ("GET", "/api/feedback"),
    ("POST", "/api/assess"),
    ("POST", "/api/explain?conclusion=scope"),
    ("POST", "/api/whatif?goal=scope"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_failure_gets_the_same_answer_everywhere(server: Server, method: str, path: str) -> None:
    asked = server.pool.asked
    requests = [(method, path, {"headers": [("authorization", each) for each in make()], "content": b"{"}) for make in BAD.values()]
    answers = server.ask_all(requests)
    assert {(each.status_code, each.content, each.headers["www-authenticate"]) for each in answers} == {
        (401, b'{"status": 401, "title": "The call is not authorised"}', "Bearer")
    }
    assert len({tuple(sorted(each.headers.items())) for each in answers}) == 1
    assert server.pool.asked == asked
    assert len(BAD) >= 35


def test_a_good_token_opens_the_address_it_is_made_for(server: Server) -> None:
    assert server.ask("GET", "/cds-services", headers={"authorization": f"Bearer {token()}"}).status_code == 200
    service = "/cds-services/legcramps-patient-view"
    sent = {"authorization": f"Bearer {token(aud=PUBLIC + service)}"}
    assert server.ask("POST", service, content=b"{", headers=sent).status_code == 400


def test_nobody_is_let_in_from_afar_where_nobody_is_listed(knowledge: Program) -> None:
    closed = Server(knowledge, open=False)
    answers = closed.ask_all([(method, path, {}) for method, path in CALLS])
    assert {each.status_code for each in answers} == {403}
    assert closed.ask("GET", "/api/sources/_Recommendation_scope_in").status_code == 200


@pytest.mark.parametrize(("host", "open_to_all"), [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("10.0.0.1", False)])  # noqa: S104
def test_only_this_machine_may_call_unlisted(host: str, open_to_all: bool) -> None:
    assert Access().is_open(host) == open_to_all
    assert not Access(clients=(caller(ISSUER, *KEYS),)).is_open(host)


# --- keys at an address -------------------------------------------------------------------------------------------------


def keys_answer(path: str) -> tuple[int, dict[str, str], bytes]:
    return 200, {"content-type": "application/json"}, json.dumps({"keys": KEYS}).encode()


def test_keys_come_from_the_listed_address_alone(tmp_path: Path) -> None:
    """The `jku` of a token is never asked: the listed address is, once, and a canary sees nobody."""
    made = certificate(tmp_path)
    with listening(keys_answer, made) as listed, listening(keys_answer, made) as canary:
        address = f"{listed.address}/keys"
        outside = Outside((), (address,), str(made))
        guarding = Guard((caller(ISSUER, jku=address),), outside.key_set, Clock())

        async def run() -> None:
            for jku in (address, None):
                await guarding.admit([f"Bearer {token(head={'jku': jku} if jku else None)}"], URL)
            for jku in (f"{canary.address}/keys", f"{listed.address}/other", address.replace("https", "http"), "file:///etc/passwd", 1):
                with pytest.raises(Unauthorised):
                    await guarding.admit([f"Bearer {token(head={'jku': jku})}"], URL)
            for kid in ("new", "newer", "newest"):
                with pytest.raises(Unauthorised):
                    await guarding.admit([f"Bearer {token(head={'kid': kid})}"], URL)
            await outside.close()

        asyncio.run(run())
        assert canary.hits == []
        assert [path for path, _ in listed.hits] == ["/keys"]


def test_an_unlisted_client_makes_nobody_fetch(tmp_path: Path) -> None:
    made = certificate(tmp_path)
    with listening(keys_answer, made) as canary:
        outside = Outside((), (f"{canary.address}/keys",), str(made))
        guarding = Guard((caller(ISSUER, jku=f"{canary.address}/keys"),), outside.key_set, Clock())

        async def run() -> None:
            for sent in (token(iss="https://evil.example/"), unsigned(), symmetric(), token(head={"jku": f"{canary.address}/other"})):
                with pytest.raises(Unauthorised):
                    await guarding.admit([f"Bearer {sent}"], URL)
            await outside.close()

        asyncio.run(run())
        assert canary.hits == []


def test_new_keys_are_looked_for_at_most_twice_a_minute(tmp_path: Path) -> None:
    fetched: list[float] = []
    clock = Clock()
    keys = [KEYS[0]]

    async def fetch(_: str) -> dict[str, Any]:
        fetched.append(clock.now)
        return {"keys": keys}

    guarding = Guard((caller(ISSUER, jku="https://ehr.example.org/keys"),), fetch, clock)
    admitted(guarding, [f"Bearer {token()}"])
    keys.append(KEYS[1])
    for second in (1, 10, 29):
        clock.now = NOW + second
        with pytest.raises(Unauthorised):
            admitted(guarding, [f"Bearer {token(RSA_KEY, 'RS384', {'kid': 'rsa'})}"])
    clock.now = NOW + 31
    assert admitted(guarding, [f"Bearer {token(RSA_KEY, 'RS384', {'kid': 'rsa'})}"]) == ISSUER
    assert len(fetched) == 2


# --- the access file ----------------------------------------------------------------------------------------------------


def test_an_access_file_lists_clients(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": KEYS}))
    path = tmp_path / "access.toml"
    path.write_text(
        f'public = "{PUBLIC}/"\norigins = ["https://ehr.example.org"]\nfhir = ["https://ehr.example.org/fhir/"]\nfeedback = "f.sqlite"\n'
        f'[[client]]\nissuer = "{ISSUER}"\nkeys = "keys.json"\n[[client]]\nissuer = "b"\njku = "https://b.example/keys"\n'
    )
    found = read_access(path)
    assert (found.public, found.fhir, found.feedback) == (PUBLIC, ("https://ehr.example.org/fhir",), tmp_path / "f.sqlite")
    assert [(each.issuer, each.jku, len(each.keys.get("keys", ()))) for each in found.clients] == [
        (ISSUER, "", 3),
        ("b", "https://b.example/keys", 0),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "publik = 1",
        "public = 1",
        'origins = ["*"]',
        'origins = "https://a"',
        'fhir = ["http://ehr.example.org"]',
        "client = 1",
        '[[client]]\nissuer = "a"',
        '[[client]]\nissuer = "a"\njku = "http://a/keys"',
        '[[client]]\nissuer = "a"\nkeys = "none.json"',
        '[[client]]\nissuer = "a"\nkeys = "k"\njku = "https://a"',
        '[[client]]\nkeys = "k"',
        "no toml",
    ],
)
def test_an_access_file_without_meaning_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "access.toml"
    path.write_text(text)
    with pytest.raises(LegcrampsError) as refused:
        read_access(path)
    assert refused.value.exit_code == 2
    assert refused.value.repair
