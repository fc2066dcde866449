"""Write which candidate tests can change a verdict, with the certificate of each that cannot, and whether testing may stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reasoner.explanation import View
from reasoner.report.parts import Document, reason_rows

if TYPE_CHECKING:
    from reasoner.relevance import LeftOut, Outcome, Relevance, Relevances

__all__ = ["relevance_document"]


def relevance_document(view: View, relevances: Relevances) -> Document:
    """Return the certificates of all candidate tests, by test."""
    tests = [_test(view, each) for _, each in sorted(relevances.tests.items())]
    return {"stopTesting": relevances.stop, "tests": tests}


def _test(view: View, each: Relevance) -> Document:
    return {
        "test": each.test,
        "label": each.label,
        "decisionRelevant": each.relevant,
        "settles": each.settles,
        "expected": [_outcome(view, outcome) for outcome in each.expected],
        "leftOut": [_left_out(left) for left in each.left_out],
        "unchanged": [_verdict(view, what, word) for what, word in each.shared],
    }


def _outcome(view: View, each: Outcome) -> Document:
    return {"result": each.result, "label": each.label, "verdicts": [_verdict(view, what, word) for what, word in each.own]}


def _verdict(view: View, what: str, word: str) -> Document:
    return {"about": what, "label": view.program.labels.get(what, what), "verdict": word}


def _left_out(each: LeftOut) -> Document:
    return {
        "result": each.result,
        "label": each.label,
        "class": each.case_class,
        "classLabel": each.class_label,
        "because": reason_rows(each.because),
        "presumes": [{"class": name, "label": label} for name, label in each.presumes],
        "sentences": list(each.sentences),
    }
