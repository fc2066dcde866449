"""Serve knowledge, records and what follows from them over HTTP: SPARQL, CDS Hooks, `/api`, a health report and a page; the extra `[server]`."""
