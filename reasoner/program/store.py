"""Write the compiled program as one JSON document and read it back; evaluation tables are rebuilt, not stored."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeVar

from reasoner.errors import KnowledgeError
from reasoner.program.model import (
    Condition,
    Criterion,
    Decision,
    Disagreement,
    Gate,
    Indicator,
    Joint,
    Program,
    Recommendation,
    Verdict,
)
from reasoner.program.patterns import Expectation, RecordPattern, UsableResult

__all__ = ["FORMAT", "dump_program", "load_program"]

FORMAT = 7
"""Changes whenever the document's form does."""

_Row = TypeVar("_Row")


def dump_program(program: Program) -> str:
    """Return the program as JSON text, the same for the same program."""
    document: dict[str, Any] = {"format": FORMAT}
    for field in dataclasses.fields(program):
        document[field.name] = getattr(program, field.name)
    document["settings"] = {key: str(value) for key, value in program.settings.items()}
    document["joints"] = {str(bit): [dataclasses.astuple(joint) for joint in each] for bit, each in program.joints.items()}
    for name in ("gates", "indicators", "recommendations", "decisions", "conditions", "criteria", "disagreements", "results"):
        document[name] = [list(dataclasses.astuple(row)) for row in document[name]]
    for row in document["indicators"]:
        row[_CUTS] = [(str(value), above) for value, above in row[_CUTS]]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def load_program(text: str | bytes) -> Program:
    """Read a program; raise KnowledgeError when the text is of another format."""
    try:
        document = json.loads(text)
        if document.pop("format") != FORMAT:
            raise KeyError("format")
        gates = tuple(Gate(every, tuple(positive), tuple(negative)) for every, positive, negative in document["gates"])
        document.update(
            gates=gates,
            joints={int(bit): _rows(Joint, each) for bit, each in document["joints"].items()},
            resting=_tuples(document["resting"]),
            leaves=_tuples(document["leaves"]),
            settings={key: Decimal(value) for key, value in document["settings"].items()},
            indicators=tuple(_indicator(row) for row in document["indicators"]),
            recommendations=_rows(Recommendation, document["recommendations"]),
            decisions=tuple(_decision(row) for row in document["decisions"]),
            conditions=_rows(Condition, document["conditions"]),
            criteria=_rows(Criterion, document["criteria"]),
            disagreements=_rows(Disagreement, document["disagreements"]),
            results=tuple(_result(row) for row in document["results"]),
        )
        for name in (
            "abbreviations",
            "fact_leaves",
            "parents",
            "role_parents",
            "side_patterns",
            "use_findings",
            "classes",
            "definition_sources",
            "codes",
            "term_codes",
        ):
            document[name] = {key: _tuples(value) for key, value in document[name].items()}
        document["code_prefixes"] = _tuples(document["code_prefixes"])
        document["presenting"] = _tuples(document["presenting"])
        document["constrained"] = _tuples(document["constrained"])
        return Program(**document)
    except (KeyError, TypeError, ValueError) as error:
        raise KnowledgeError("The compiled program cannot be read", why=str(error), repair="delete it; it is compiled anew") from error


def _rows(build: type[_Row], rows: Iterable[list[Any]]) -> tuple[_Row, ...]:
    return tuple(build(*map(_tuples, row)) for row in rows)


_CUTS = [field.name for field in dataclasses.fields(Indicator)].index("cuts")


def _indicator(row: list[Any]) -> Indicator:
    row[_CUTS] = tuple((Decimal(value), above) for value, above in row[_CUTS])
    return Indicator(*map(_tuples, row))


def _decision(row: list[Any]) -> Decision:
    iri, key, investigation, rows, verdicts, remaining = row
    return Decision(iri, key, investigation, tuple(rows), _rows(Verdict, verdicts), remaining)


def _result(row: list[Any]) -> UsableResult:
    iri, investigation, records, expectations = row
    return UsableResult(iri, investigation, _rows(RecordPattern, records), _rows(Expectation, expectations))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
