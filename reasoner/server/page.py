"""Write the one static page: what is served here, within which limits, and what it is not."""

from __future__ import annotations

from html import escape

from reasoner.program.model import Program
from reasoner.server.settings import Limits

__all__ = ["page"]


def page(program: Program, limits: Limits, endpoints: tuple[tuple[str, str], ...]) -> bytes:
    """Return the page in HTML, without scripts and without anything from another host."""
    rows = "".join(f'<tr><td><a href="{escape(path)}">{escape(path)}</a></td><td>{escape(what)}</td></tr>' for path, what in endpoints)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Legcramps</title><meta name="viewport" content="width=device-width"></head><body>
<h1>Legcramps</h1>
<p>Knowledge {escape(program.version)} ({escape(program.digest[:12])}). For professionals who review the basis of every statement.
Not medical advice, and not for decisions that cannot wait.</p>
<table><caption>What is served here</caption>{rows}</table>
<p>A query may take {limits.deadline:g} seconds and {limits.memory >> 20} MiB; an answer may have {limits.rows} rows and {limits.answer >> 20} MiB.
A longer answer is cut in JSON and XML, where the head says so and the header Legcramps-Truncated repeats it, and refused otherwise.</p>
</body></html>
""".encode()
