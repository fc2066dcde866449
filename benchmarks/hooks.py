"""Measure CDS Hooks under load: 50 clients at once that open a chart, over loopback, each card held against `assess`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks.server import load_raw, percentile, serving
from benchmarks.timing import Measurement, Ratio

__all__ = ["measure"]

_CLIENTS = 50
_AS_OF = "2026-11-20T09:00:00+00:00"
_SERVER = "https://ehr.example.org/fhir"
_PATIENT = "cramps-67"
_PATH = "/cds-services/legcramps-patient-view"
_MOST = 0.3


def measure(root: Path, quick: bool) -> tuple[list[Measurement], list[Ratio], list[str]]:
    """Load `patient-view` with the shipped patient's chart; raise RuntimeError when a card differs from the command line."""
    seconds = 5.0 if quick else 30.0
    with serving(root) as (port, process):
        address = f"http://127.0.0.1:{port}"
        body = json.dumps(_call(root, address)).encode()
        _hold_against_the_command(root, f"{address}{_PATH}", body)
        head = f"POST {_PATH} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        loaded = load_raw(root, (port, process), _CLIENTS, seconds, {"patient-view": (1, [head + body.decode()])})["patient-view"]
    if set(loaded.latencies) != {200}:
        raise RuntimeError(f"patient-view answered {sorted(loaded.latencies)}")
    latencies = loaded.latencies[200]
    group = f"patient-view, {_CLIENTS} clients at once, {len(body)} bytes a call"
    p50, p95, p99 = (percentile(latencies, share) for share in (0.5, 0.95, 0.99))
    return (
        [Measurement(group, "latency", 1, tuple(latencies))],
        [
            Ratio("CDS patient-view, 50 at once: p99, seconds", p99, _MOST),
            Ratio("CDS patient-view, 50 at once: p95, seconds", p95),
            Ratio("CDS patient-view, 50 at once: p50, seconds", p50),
            Ratio("CDS patient-view, 50 at once: calls a second", loaded.rate, above=True),
            Ratio("CDS patient-view: seconds of processor time a call, the whole server", 1 / loaded.thrift),
        ],
        [],
    )


def _call(root: Path, address: str) -> Mapping[str, Any]:
    """Return a call with the shipped chart as a client prefetches it, by the templates that discovery lists."""
    entries = json.loads((root / "docs" / "examples" / "bundle.json").read_text(encoding="utf-8"))["entry"]
    with urlopen(f"{address}/cds-services") as answer:  # noqa: S310
        templates = json.load(answer)["services"][0]["prefetch"]
    held: dict[str, Any] = {}
    for key, query in templates.items():
        kind = re.split(r"[/?]", query)[0]
        mine = [each for each in entries if each["resource"]["resourceType"] == kind]
        if key == "patient":
            held[key] = next(each["resource"] for each in mine if each["resource"]["id"] == _PATIENT)
        else:
            held[key] = {"resourceType": "Bundle", "type": "searchset", "entry": mine} if mine else None
    extra = [each for each in entries if each["resource"]["resourceType"] in ("Medication", "Encounter", "ServiceRequest")]
    held["medicationRequests"]["entry"] += extra
    return {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": _SERVER,
        "context": {"userId": "Practitioner/reed", "patientId": _PATIENT},
        "prefetch": held,
    }


def _hold_against_the_command(root: Path, url: str, body: bytes) -> None:
    """Raise RuntimeError unless the rows in the cards are those that `assess` prints."""
    with urlopen(url, body) as answer:  # noqa: S310
        cards = json.load(answer)["cards"]
    command = [sys.executable, "-m", "reasoner", "assess", "docs/examples/bundle.json", "--json", "--as-of", _AS_OF, "--base", _SERVER]
    printed = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True)
    report = next(each for each in json.loads(printed.stdout)["cases"] if each["case"].endswith(_PATIENT))
    for card in cards:
        for rows in card["extension"].values():
            for key in rows.keys() & report.keys() - {"asOf"}:
                if rows[key] != _filled(report[key]):
                    raise RuntimeError(f"a card's {key} differs from that of the command line")


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: kept for name, each in value.items() if (kept := _filled(each)) not in (None, "", [], {})}
    return [_filled(each) for each in value] if isinstance(value, list) else value
