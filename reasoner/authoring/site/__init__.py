"""Turn the knowledge into a static site that opens from a folder: no network, no script, no template engine."""
