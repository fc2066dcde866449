"""Serve knowledge, records and what follows from them over HTTP: SPARQL, a health report and a page; the extra `[server]`."""
