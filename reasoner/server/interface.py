"""Offer CDS Hooks and the JSON interface over HTTP: who may call, what a body may weigh, and which worker answers.

Bodies of calls are not parsed here: they go, bounded, to workers that can be ended. Nothing is written to a log.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Query
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from reasoner.errors import ForbiddenError, IncompleteError, LegcrampsError, UnsupportedInputError, UsageError
from reasoner.fhir.reading import BASE
from reasoner.moments import read_instant
from reasoner.server.access import Access
from reasoner.server.cds.services import Service, discovery, service_named
from reasoner.server.cds.sources import Sources
from reasoner.server.desk import Desk
from reasoner.server.feedback import FeedbackStore, read_feedback
from reasoner.server.jobs import Reply, refused
from reasoner.server.replies import read_body
from reasoner.server.schemas import CARDS, FEEDBACK, FORMATS, HOOK, documents, json_body, responses
from reasoner.server.tokens import Guard, Unauthorised

__all__ = ["Interface", "create_interface"]

_MOST = 8 * 1024 * 1024
_MOST_FEEDBACK = 256 * 1024
_MOST_CASES = 100
_SECONDS = 10.0
_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_FRESH = {"cache-control": "no-store"}
_EXPOSED = ("Content-Location", "Location")

AsOf = Annotated[
    str, Query(alias="as-of", description="judge at this xsd:dateTime, or at the beginning of this xsd:date, instead of the records' own")
]
Base = Annotated[str, Query(max_length=500, pattern='^https?://[^\\s<>"{}|\\\\^`]+$', description="base of relative FHIR references")]
Case = Annotated[str, Query(max_length=2000, description="the case, when the document holds several")]


@dataclass(frozen=True, slots=True)
class Interface:
    """What the routes stand on."""

    desk: Desk
    guard: Guard | None
    access: Access
    is_open: bool
    sources: Sources
    store: FeedbackStore

    async def caller(self, request: Request) -> str:
        """Return who calls; raise Unauthorised, or ForbiddenError where nobody is listed and others than this machine can call."""
        if self.guard is not None:
            return await self.guard.admit(request.headers.getlist("authorization"), f"{self.access.public}{request.url.path}")
        if not self.is_open:
            raise ForbiddenError("Nobody is listed who may call", repair="list the clients in the file named by --access")
        return ""


def create_interface(held: Interface) -> FastAPI:
    """Return the application of `/cds-services` and `/api`."""
    app = FastAPI(
        title="Legcramps",
        version="2.0",
        summary="CDS Hooks 2.0, and what the commands answer",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.add_middleware(
        CORSMiddleware,
        allow_origins=held.access.origins,
        allow_methods=["GET", "POST", "OPTIONS"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=_EXPOSED,
        max_age=600,
    )
    _tell_errors(app)
    _add_hooks(app, held)
    _add_feedback(app, held)
    _add_pages(app, held)
    _add_documents(app, held)
    return app


# --- hooks --------------------------------------------------------------------------------------------------------------


def _add_hooks(app: FastAPI, held: Interface) -> None:
    caller = Depends(held.caller)

    @app.get("/cds-services", responses=responses(503), dependencies=[caller])
    async def services() -> Response:
        """List the CDS Hooks services."""
        return _answer(json.dumps(discovery()).encode())

    @app.post(
        "/cds-services/{service}",
        responses=responses(400, 404, 408, 412, 413, 503, good=CARDS, outcome=True),
        openapi_extra=json_body(HOOK),
        dependencies=[caller],
    )
    async def call(service: str, request: Request) -> Response:
        """Answer a hook with cards."""
        reply = await held.desk.hook(_service(service).hook, await _body(request, _MOST))
        return _answer(reply.body, reply.header["status"], reply.header["media"])


def _service(name: str) -> Service:
    found = service_named(name)
    if found is None:
        raise HTTPException(404)
    return found


def _add_feedback(app: FastAPI, held: Interface) -> None:
    caller = Depends(held.caller)

    @app.post(
        "/cds-services/{service}/feedback",
        responses=responses(400, 404, 408, 413, 503, 507, outcome=True),
        openapi_extra=json_body(FEEDBACK),
    )
    async def give(service: str, request: Request, client: str = caller) -> Response:
        """Keep what became of cards."""
        name, now = _service(service).id, asyncio.get_running_loop().time()
        given = read_feedback(await _body(request, _MOST_FEEDBACK), name, client)
        known = {each.card: issue.conclusions for each in given if (issue := held.desk.memory.find(each.card, now))}
        rows = [replace(each, about=known.get(each.card, ())) for each in given]
        try:
            await run_in_threadpool(held.store.add, rows, held.desk.now().isoformat())
        except OSError:
            return _problem(507, "The feedback could not be kept", "send it again later")
        return _answer(b"{}")

    @app.get("/api/feedback", responses=responses(422))
    async def find(
        client: str = caller,
        outcome: Annotated[Literal["", "accepted", "overridden"], Query()] = "",
        service: Annotated[str, Query(max_length=100)] = "",
        card: Annotated[str, Query(max_length=36)] = "",
        code: Annotated[str, Query(max_length=200)] = "",
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    ) -> Response:
        """Find the caller's feedback, up to 200 from a number on."""
        wanted = {"outcome": outcome, "service": service, "card": card, "code": code}
        found = await run_in_threadpool(held.store.find, client, wanted, after)
        return _answer(json.dumps({"feedback": [{"number": number, **each.to_json()} for number, each in found]}).encode())


# --- what cards point at ------------------------------------------------------------------------------------------------


def _add_pages(app: FastAPI, held: Interface) -> None:
    @app.get("/api/sources/{name}", responses=responses(404, 422))
    async def source(name: str) -> Response:
        """Return what a recommendation states and rests on; it holds nothing of a patient."""
        cited = held.sources.named(name)
        if cited is None:
            raise HTTPException(404)
        return _answer(json.dumps(cited.to_json(), ensure_ascii=False).encode())

    @app.get("/api/proofs/{card}", responses=responses(404, 422, 503, good={"type": "string"}, media="text/plain"))
    async def proof(card: str) -> Response:
        """Return the proofs of what a card says, for an hour; whoever has the name of the card may read them."""
        issue = held.desk.memory.find(card, asyncio.get_running_loop().time())
        if issue is None:
            raise HTTPException(404)
        reply = await held.desk.proof(issue)
        return _answer(reply.body, reply.header["status"], reply.header["media"])


# --- documents ----------------------------------------------------------------------------------------------------------


def _add_documents(app: FastAPI, held: Interface) -> None:
    told: dict[str, Any] = {
        "responses": responses(400, 408, 413, 415, 422, 503),
        "openapi_extra": documents(),
        "dependencies": [Depends(held.caller)],
    }

    async def run(job: str, request: Request, as_of: str, base: str, **parameters: Any) -> Response:
        given = {"format": _format(request), "as_of": _instant(as_of), "base": base, "most_cases": _MOST_CASES}
        reply = await held.desk.task(job, await _body(request, _MOST), **given, **parameters)
        return _answer(reply.body, reply.header["status"], reply.header["media"])

    @app.post("/api/assess", **told)
    async def assess(request: Request, as_of: AsOf = "", base: Base = BASE, relevance: bool = False) -> Response:
        """Answer every case of a document, as `legcramps assess --json` does."""
        return await run("assess", request, as_of, base, relevance=relevance)

    @app.post("/api/explain", **told)
    async def explain(
        request: Request,
        conclusion: Annotated[str, Query(min_length=1, max_length=500)],
        as_of: AsOf = "",
        base: Base = BASE,
        case: Case = "",
        every: Annotated[bool, Query(alias="all")] = False,
    ) -> Response:
        """Prove a conclusion, as `legcramps explain --json` does."""
        return await run("explain", request, as_of, base, conclusion=conclusion, case=case or None, all=every)

    @app.post("/api/whatif", **told)
    async def whatif(
        request: Request,
        changes: Annotated[Sequence[str], Query(alias="set", max_length=20)] = (),
        goal: Annotated[str, Query(max_length=500)] = "",
        as_of: AsOf = "",
        base: Base = BASE,
        case: Case = "",
    ) -> Response:
        """Change facts, or list what would change a verdict, as `legcramps whatif --json` does."""
        return await run("whatif", request, as_of, base, set=list(changes), goal=goal, case=case or None)


def _format(request: Request) -> str:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in FORMATS:
        raise UnsupportedInputError("The content type is not read", repair=f"send one of {', '.join(FORMATS)}")
    return FORMATS[media]


def _instant(text: str) -> str:
    found = read_instant(text) if text else None
    if text and found is None:
        raise UsageError("as-of is no xsd:dateTime and no xsd:date", repair="write it as 2026-11-20T09:00:00Z")
    return found.isoformat() if found else ""


# --- bodies and answers -------------------------------------------------------------------------------------------------


async def _body(request: Request, most: int) -> bytes:
    """Return a body of bounded size that comes in bounded time."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await read_body(request.scope, request.receive, most)
    except TimeoutError:
        raise HTTPException(408) from None


def _answer(body: bytes, status: int = 200, media: str = "application/json") -> Response:
    return Response(body, status, _FRESH, media)


def _problem(status: int, title: str, repair: str = "", **headers: str) -> Response:
    document = {"status": status, "title": title} | ({"repair": repair} if repair else {})
    return Response(json.dumps(document), status, _FRESH | headers, "application/problem+json")


def _tell_errors(app: FastAPI) -> None:
    @app.exception_handler(Unauthorised)
    async def unauthorised(_: Request, error: Exception) -> Response:
        return Response(
            b'{"status": 401, "title": "The call is not authorised"}',
            401,
            _FRESH | {"www-authenticate": "Bearer"},
            "application/problem+json",
        )

    @app.exception_handler(LegcrampsError)
    async def known(_: Request, error: LegcrampsError) -> Response:
        reply: Reply = refused(error)
        response = _answer(reply.body, reply.header["status"], reply.header["media"])
        if isinstance(error, IncompleteError):
            response.headers["retry-after"] = "1"
        return response

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> Response:
        names = sorted({str(each["loc"][-1]) for each in error.errors() if each["loc"][0] in ("path", "query")})
        return _problem(422, f"A parameter is malformed: {', '.join(names)}")

    @app.exception_handler(HTTPException)
    async def refused_by_http(_: Request, error: HTTPException) -> Response:
        return _problem(error.status_code, error.detail, **{name.lower(): value for name, value in (error.headers or {}).items()})
