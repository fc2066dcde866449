"""Print a report for a reader with ten seconds: red flags, verdict, next tests, differential, problems."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from reasoner.errors import shortened, visible
from reasoner.places import placed

__all__ = ["NOT_ADVICE", "possible_verdicts", "render_text"]

NOT_ADVICE = "Not medical advice: decision support for a clinician, who can check every reason against its source."

_WIDTH = 110
_LONGEST = 4000
_LEADERS = 5
Document = dict[str, Any]


def render_text(document: Document) -> str:
    """Return the report document as plain text."""
    lines: list[str] = []
    for case in document["cases"]:
        lines += [*_case(case), ""]
    for problem in document["dataProblems"]:
        lines.append(f"Data problem: {_placed(problem)}. {problem['repair']} [{problem['code']}]")
    lines.append(NOT_ADVICE)
    lines.append(f"Knowledge {document['knowledge']['version']} ({document['knowledge']['hash'][:12]})")
    return "\n".join(map(visible, lines)) + "\n"


def _case(case: Document) -> list[str]:
    known = {reason["text"] for reason in case["scope"]["because"] if "fact" in reason}
    lines = [f"Case {case['case']}  as of {case['asOf']}", "=" * 78]
    lines += _red_flags(case)
    lines += _verdict(case["repeatDvtImaging"], "REPEAT IMAGING")
    lines += _verdict(case["scope"], "SCOPE")
    lines += _next_tests(case, known)
    lines += _actions(case)
    lines += _differential(case)
    lines += _medication(case)
    lines += _problems(case)
    return lines


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(shortened(text, _LONGEST), _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ") or [indent]


def _facts(reasons: Iterable[Document], known: Collection[str] = ()) -> str:
    """Return the facts among reasons, those left out that the reader has seen."""
    return "; ".join(dict.fromkeys(reason["text"] for reason in reasons if "fact" in reason and reason["text"] not in known))


def _labels(items: Iterable[Document], limit: int = 6) -> str:
    labels = list(dict.fromkeys(item["label"] for item in items))
    more = f" and {len(labels) - limit} more" if len(labels) > limit else ""
    return ", ".join(labels[:limit]) + more


def possible_verdicts(decision: Document) -> str:
    """Return the verdicts that a decision could still have, each with the rows that would say so."""
    rules: dict[str, list[str]] = {}
    for row in decision["couldBe"]:
        rules.setdefault(row["verdict"], []).append(row["rule"])
    return ", ".join(f"{verdict} ({', '.join(dict.fromkeys(names))})" for verdict, names in rules.items())


def _cited(sentences: Sequence[str]) -> str:
    return f" [{', '.join(sentences)}]" if sentences else ""


def _red_flags(case: Document) -> list[str]:
    flags = case["redFlags"]
    if not flags:
        return ["RED FLAGS       none found; the questions name what is not charted"]
    lines = ["RED FLAGS"]
    for flag in flags:
        lines += _wrapped(f"! {flag['urgency'].upper()} ({flag['certainty']}): {flag['label']}{_cited(flag['sentences'])}", "  ")
        lines += _wrapped(flag["action"], "      ")
        lines += _wrapped(f"because {_facts(flag['because'])}", "      ")
        if flag["certainty"] != "certain" and flag["missing"]:
            lines += _wrapped(f"settled by {_labels(flag['missing'])}", "      ")
    return lines


def _verdict(verdict: Document, name: str) -> list[str]:
    rule = f", rule {verdict['rule']}" if verdict["rule"] else ""
    certainty = f" ({verdict['certainty']}{rule})" if rule else ""
    lines = _wrapped(f"{name:<16}{verdict['label'].upper()}{certainty}{_cited(verdict['sentences'])}", "")
    facts = _facts(verdict["because"])
    if facts:
        lines += _wrapped(f"because {facts}", "    ")
    if verdict["presumes"]:
        lines += _wrapped(f"presumes none of: {_labels(verdict['presumes'], 3)}", "    ")
    if verdict["reopensIf"]:
        lines += _wrapped(f"reopened by {_labels(verdict['reopensIf'], 3)}", "    ")
    if verdict["couldBe"]:
        lines += _wrapped(f"could be {possible_verdicts(verdict)}", "    ")
    if verdict["missing"] and not facts:
        lines += _wrapped(f"missing: {_labels(verdict['missing'])}", "    ")
    if verdict["window"]:
        window = verdict["window"]
        lines += _wrapped(f"window {window['from']} to {window['until']}, best {window['target']} ({window['state']})", "    ")
    return lines


def _next_tests(case: Document, known: Collection[str]) -> list[str]:
    lines = ["NEXT TESTS"] if case["nextTests"] else ["NEXT TESTS      none"]
    for test in case["nextTests"]:
        manner = ", ".join(filter(None, (test["step"], "" if test["urgency"] == "routine" else test["urgency"].upper(), test["certainty"])))
        idle = ": no expected result changes a verdict" if test["decisionRelevant"] is False else ""
        lines += _wrapped(f"{test['rank']:>2}. {test['label']} ({manner}){_cited(test['sentences'])}{idle}", "  ")
        facts = _facts(test["because"], known)
        if facts:
            lines += _wrapped(f"because {facts}", "        ")
        blocking = [check["text"] for check in test["checks"] if check["status"] in ("open", "blocking")]
        if blocking:
            lines += _wrapped(f"first check: {'; '.join(blocking)}", "        ")
        settled = [each for each in test["blockedBy"] if each["label"] not in blocking]
        if settled:
            lines += _wrapped(f"first settle: {_labels(settled)}", "        ")
    for cause in dict.fromkeys(each["byLabel"] for each in case["deferred"]):
        lines += _wrapped(f"deferred, first “{cause}”: {_labels(each for each in case['deferred'] if each['byLabel'] == cause)}", "  ")
    for test in case["notWarranted"]:
        lines += _wrapped(f"NOT WARRANTED: {test['label']}{_cited(test['sentences'])}", "  ")
    return lines + _relevance(case.get("relevance"))


def _relevance(judged: Document | None) -> list[str]:
    """Return the certificates of the tests that cannot matter, and whether testing may stop; nothing where it was not judged."""
    if judged is None:
        return []
    lines = []
    for test in (test for test in judged["tests"] if test["decisionRelevant"] is False):
        lines += _wrapped(f"NO EXPECTED RESULT CHANGES A VERDICT: {test['label']}", "  ")
        for left in test["leftOut"]:
            lines += _wrapped(f"not expected: {left['label']}{_cited(left['sentences'])}", "      ")
            lines += _wrapped(f"because {_facts(left['because'])}", "        ")
            if left["presumes"]:
                lines += _wrapped(f"presumes none of: {_labels(left['presumes'])}", "        ")
    return [*lines, "  STOP TESTING: no expected result of a candidate test changes a verdict"] if judged["stopTesting"] else lines


def _actions(case: Document) -> list[str]:
    lines = ["ACTIONS"] if case["actions"] else []
    for action in case["actions"]:
        against = "do not: " if action["direction"] == "against" else ""
        until = f", until {action['until']}" if action["until"] else ""
        lines += _wrapped(
            f"- {against}{action['label']} ({action['kind']}, {action['certainty']}{until}){_cited(action['sentences'])}", "  "
        )
        if action["blockedBy"]:
            lines += _wrapped(f"first settle: {_labels(action['blockedBy'])}", "      ")
    return lines


def _differential(case: Document) -> list[str]:
    lines = [f"DIFFERENTIAL  weights in decibans, confidence {case['differentialConfidence']}"]
    shown = [each for each in case["differential"] if each["status"] != "excluded"]
    for each in shown[:_LEADERS]:
        lines += _wrapped(f"{each['rank']}. {each['label']}: {each['status']} ({each['weight']:+.1f})", "  ")
        if each["startingWeight"]:
            lines += _wrapped(f"starts at {each['startingWeight']:+.1f}", "      ")
        if each["status"] == "confirmed":
            lines += _wrapped(f"confirmed by {_facts(each['because'])} ({each['confirmedWeight']:+.1f})", "      ")
        for key in ("for", "against"):
            if each[key]:
                lines += _wrapped(f"{key} " + ", ".join(f"{item['text']} ({item['weight']:+.1f})" for item in each[key]), "      ")
        if each["missing"]:
            lines += _wrapped(f"missing {_labels(each['missing'], 3)}", "      ")
    rest = [f"{each['label']} ({each['status']})" for each in shown[_LEADERS:]]
    excluded = [each["label"] for each in case["differential"] if each["status"] == "excluded"]
    if rest:
        lines += _wrapped(f"then {', '.join(rest)}", "  ")
    if excluded:
        lines += _wrapped(f"excluded: {', '.join(excluded)}", "  ")
    return lines


def _medication(case: Document) -> list[str]:
    lines = ["MEDICATION REVIEW"] if case["medicationReview"] else []
    alike: dict[str, list[str]] = {}
    for drug in case["medicationReview"]:
        alike.setdefault(drug["caution"], []).append(drug["label"])
    for drug in case["medicationReview"]:
        caution = f": {drug['caution']}" if drug["caution"] and len(alike[drug["caution"]]) == 1 else ""
        lines += _wrapped(f"- {drug['label']} ({drug['state']}, {drug['weight']:+.1f}){caution}{_cited(drug['sentences'])}", "  ")
    for caution, labels in alike.items():
        if caution and len(labels) > 1:
            lines += _wrapped(f"{', '.join(dict.fromkeys(labels))}: {caution}", "    ")
    return lines


def _placed(problem: Document) -> str:
    return placed(problem["text"], problem.get("where", ()))


def _problems(case: Document) -> list[str]:
    lines = []
    for conflict in case["conflicts"]:
        lines += _wrapped(f"! {_placed(conflict)}: {conflict['repair']}", "  ")
    for problem in case["dataProblems"]:
        lines += _wrapped(f"! {_placed(problem)}. {problem['repair']} [{problem['code']}]", "  ")
    if lines:
        lines.insert(0, "DATA PROBLEMS")
    for note in case["notes"]:
        lines += _wrapped(f"note: {note}", "  ")
    if case["questions"]:
        lines += _wrapped(f"QUESTIONS       {_labels(case['questions'], 10)}", "")
    return lines
