"""How long FHIR takes to read, against json.loads of the same text; whether that grows with size alone, and memory not at all.

The documents are copies of the shipped Bundle, each patient with names of its own. Run alone, it takes FHIR files to be
measured as they are: python -m benchmarks.fhir [FILE…].
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import tracemalloc
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from benchmarks.timing import Measurement, Ratio, in_turns, quotient

__all__ = ["main", "measure"]

MEGABYTE = 1_000_000
ALLOWED = 0.5
TIMES = 5
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{4}")
_NAMED = re.compile(r"Patient/(cramps-67|neighbour)|\"id\": \"(cramps-67|neighbour)\"")


def measure(root: Path, quick: bool = False) -> tuple[list[Measurement], list[Ratio], list[str]]:
    """Return timings, ratios with their bounds, and notes."""
    entries = json.loads((root / "docs" / "examples" / "bundle.json").read_bytes())["entry"]
    size = MEGABYTE if quick else 10 * MEGABYTE
    texts = {f"{each // MEGABYTE} MB": bundle(entries, each) for each in (size, 4 * size)}
    found, ratios = read_and_loads(root, texts, 3 if quick else 5)
    peaks = [memory(root, entries, patients) for patients in ((25, 100) if quick else (100, 400))]
    ratios.append(Ratio("peak memory of streaming 4 times the patients ÷ that of one time", peaks[1] / peaks[0], 1.2))
    return found, ratios, [f"streaming peaks at {peaks[0] / 2**20:.1f} and {peaks[1] / 2**20:.1f} MiB"]


def bundle(entries: list[dict[str, object]], size: int) -> bytes:
    """Return a Bundle of at least `size` bytes."""
    parts: list[str] = []
    held = 0
    while held < size:
        parts.append(renamed(entries, len(parts)))
        held += len(parts[-1])
    return f'{{"resourceType": "Bundle", "type": "collection", "entry": [{", ".join(parts)}]}}'.encode()


def renamed(entries: list[dict[str, object]], number: int) -> str:
    """Return the entries with identities of their own."""
    text = _UUID.sub(lambda found: f"{found[0][:-6]}{number:06x}", json.dumps(entries)[1:-1])
    return _NAMED.sub(lambda found: found[0].replace("cramps-67", f"cramps-{number}").replace("neighbour", f"neighbour-{number}"), text)


def read_and_loads(root: Path, texts: dict[str, bytes], rounds: int) -> tuple[list[Measurement], list[Ratio]]:
    """Time the reader and json.loads in turns, for each text."""
    from reasoner import load_knowledge
    from reasoner.fhir import read_fhir

    program = load_knowledge(root)
    found: list[Measurement] = []
    ratios: list[Ratio] = []
    for name, text in texts.items():
        tasks = {"json.loads": partial(json.loads, text), "read_fhir": partial(read_fhir, text, program)}
        loads, reads = in_turns(f"FHIR, {name}", tasks, rounds)
        found += [loads, reads]
        ratios.append(
            Ratio(f"read_fhir ÷ ({TIMES} json.loads + {ALLOWED} s), {name}", reads.median / (TIMES * loads.median + ALLOWED), 1.0)
        )
        ratios.append(Ratio(f"read_fhir ÷ json.loads, {name}", quotient(reads, loads)))
    if len(found) == 4:
        sizes = [len(text) for text in texts.values()]
        ratios.append(Ratio("time per byte, 4 times the size ÷ one time", found[3].median / found[1].median * sizes[0] / sizes[1], 1.3))
    return found, ratios


def memory(root: Path, entries: list[dict[str, object]], patients: int) -> int:
    """Return the peak of the memory that Python holds while an export with a file per type is streamed."""
    from reasoner import load_knowledge
    from reasoner.fhir import stream_exports

    program = load_knowledge(root)
    with tempfile.TemporaryDirectory(prefix="legcramps-") as folder:
        paths = export(Path(folder), entries, patients)
        tracemalloc.start()
        try:
            if sum(len(each.cases) for each in stream_exports(paths, program)) != 2 * patients:
                raise RuntimeError("not every patient was read")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def export(folder: Path, entries: list[dict[str, object]], patients: int) -> list[Path]:
    """Write the resources of copies of a Bundle, one file per type; references by address become references by id."""
    held: dict[str, list[str]] = {}
    for number in range(patients):
        members = json.loads(f"[{renamed(entries, number)}]")
        ids = {member["fullUrl"]: f"{member['resource']['resourceType']}/{member['resource']['id']}" for member in members}
        text = json.dumps([member["resource"] for member in members])
        for address, name in ids.items():
            text = text.replace(f'"{address}"', f'"{name}"')
        for resource in json.loads(text):
            held.setdefault(resource["resourceType"], []).append(json.dumps(resource))
    for kind, lines in held.items():
        (folder / f"{kind}.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return sorted(folder.glob("*.ndjson"))


def main(files: Iterable[str]) -> int:
    """Print what was measured."""
    root = Path(__file__).resolve().parent.parent
    texts = {Path(name).name: Path(name).read_bytes() for name in files}
    found, ratios, notes = (*read_and_loads(root, texts, 5), []) if texts else measure(root)
    for each in found:
        print(f"{each.group}: {each.task} {each.median * 1000:.1f} ms")
    for ratio in ratios:
        print(f"{ratio.what}: {ratio.value:.2f} {ratio.met and f'(at most {ratio.wanted}: {ratio.met})'}")
    print(*notes, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
