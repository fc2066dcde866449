"""Put the knowledge folders and the compiled program into the wheel, under `reasoner/data/`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["ProgramHook"]


class ProgramHook(BuildHookInterface[Any]):
    """Compile at build time, so that an installed package compiles nothing."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add `ontology/`, `shapes/`, `queries/` and `program.json` to a standard wheel; an editable one reads the checkout."""
        if version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root))
        from reasoner.program.compile import compile_program
        from reasoner.program.store import dump_program
        from reasoner.resources import knowledge_digest

        folder = Path(tempfile.mkdtemp(prefix="legcramps-"))
        compiled = folder / "program.json"
        compiled.write_text(dump_program(compile_program(root, knowledge_digest(root))), encoding="utf-8")
        build_data["force_include"][str(compiled)] = "reasoner/data/program.json"
        for part in ("ontology", "shapes", "queries"):
            build_data["force_include"][str(root / part)] = f"reasoner/data/{part}"
