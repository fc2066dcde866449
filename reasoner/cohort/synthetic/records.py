"""Draw records of findings, drugs, diagnoses and closed lists, and break some on purpose."""

from __future__ import annotations

from collections.abc import Iterator

from reasoner.cohort.synthetic.drafts import Ago, Dice, Draft, Variant
from reasoner.namespaces import LC
from reasoner.program.model import Program
from reasoner.terms import RecordKind

__all__ = ["closure_variants", "diagnosis_variants", "drug_variants", "finding_variants", "short", "spoiled", "worded_drugs"]

_DOUBTFUL = ("unconfirmed", "refuted", "entered_in_error")
_NOT_TAKEN = ("planned", "not_done", "entered_in_error")
_RESPONSES = ("relief", "no_relief", "", "")
_SIDES = ("left", "right", "both")


def short(iri: str) -> str:
    """Return the name by which the long table calls a term of the project, other IRIs whole."""
    return iri.removeprefix(LC)


def _status(dice: Dice) -> str:
    return dice.one_of(_DOUBTFUL) if dice.happens("doubtful") else "active" if dice.happens("standing") else ""


def finding_variants(program: Program, dice: Dice, term: str, presence: str, count: int) -> Iterator[Variant]:
    """Yield records that a finding is present, absent or unknown."""
    chance = 0.75 if term in program.side_patterns else 0.0 if program.side_patterns.keys() & program.parents[term] else 0.1
    windows = [program.recent_days[above] for above in program.parents[term] if above in program.recent_days]
    for _ in range(count):
        side = dice.one_of(_SIDES) if dice.random.random() < chance else ""
        onset = dice.ago(windows) if presence == "present" else None
        worsened = dice.ago(windows) if onset and dice.random.random() < 0.1 else None
        draft = Draft.of(
            short(RecordKind.FINDING),
            term=short(term),
            presence=presence,
            side=side,
            onset=onset,
            worsened=Ago(min(worsened.days, onset.days), worsened.form) if worsened and onset else None,
            ended=Ago(0) if onset and onset.days > 1 and dice.random.random() < 0.03 else None,
            recorded=Ago(min(onset.days if onset else 1, int(dice.random.random() * 30))) if dice.random.random() < 0.35 else None,
            status=_status(dice),
        )
        yield Variant(term, (draft,))


def drug_variants(dice: Dice, term: str, count: int) -> Iterator[Variant]:
    """Yield records that a drug is, was or was not taken."""
    for _ in range(count):
        started = dice.ago()
        status, ended, response = "active", None, ""
        if dice.happens("stopped"):
            status, response = "stopped", dice.one_of(_RESPONSES)
            ended = Ago(int(dice.random.random() * (started.days if started else 30)))
        elif dice.happens("not_taken"):
            status = dice.one_of(_NOT_TAKEN)
        dose = dice.one_of(dice.settings.samples["dose"]) if dice.happens("dose") else ""
        draft = Draft.of(
            short(RecordKind.MEDICATION), term=short(term), status=status, started=started, ended=ended, response=response, dose=dose
        )
        yield Variant(term, (draft,))


def worded_drugs(dice: Dice) -> Iterator[Variant]:
    """Yield drugs of which only words are on record."""
    for text in dice.settings.samples["words"]:
        yield Variant(text, (Draft.of(short(RecordKind.MEDICATION), source_text=text, status="active"),))


def diagnosis_variants(dice: Dice, term: str, count: int) -> Iterator[Variant]:
    """Yield records that a condition was diagnosed, resolved or rejected."""
    for _ in range(count):
        onset = dice.ago()
        stopped = dice.random.random() < 0.1
        status = "stopped" if stopped else _status(dice)
        presence = "absent" if dice.random.random() < 0.1 else "present"
        draft = Draft.of(
            short(RecordKind.DIAGNOSIS),
            term=short(term),
            presence=presence,
            onset=onset,
            ended=Ago(onset.days // 2) if stopped and onset else None,
            recorded=Ago(onset.days // 3) if onset and dice.random.random() < 0.3 else None,
            status=status,
        )
        yield Variant(term, (draft,))


def closure_variants(dice: Dice, term: str, count: int) -> Iterator[Variant]:
    """Yield dated statements that nothing further below a class is present; the subject is the statement, not the class."""
    for _ in range(count):
        recorded = Ago(0 if dice.random.random() < 0.6 else int(dice.random.random() * 60))
        yield Variant("closure of " + term, (Draft.of(short(RecordKind.CLOSURE), term=short(term), recorded=recorded),))


# --- broken on purpose -----------------------------------------------------------------------------------------------

_BROKEN_DATES = ("2026-13-45", "yesterday", "20260931", "2026-02-30")
_BROKEN_NUMBERS = ("n/a", "NaN", "1,4", "12..5")
_BROKEN_UNITS = ("units", "mgdl", "")
_DATES = ("onset", "worsened", "ended", "recorded", "performed", "started")


def spoiled(dice: Dice, variant: Variant) -> Variant:
    """Return the variant with one of its records broken."""
    at = int(dice.random.random() * len(variant.drafts))
    drafts = list(variant.drafts)
    drafts[at] = _broken(dice, drafts[at])
    return Variant(variant.subject, tuple(drafts), whole=False)


def _broken(dice: Dice, draft: Draft) -> Draft:
    columns = dict(draft.values)
    ways = [name for name in ("value", "unit", "presence", "term") if name in columns] + [name for name in _DATES if name in columns]
    way = dice.one_of(ways or ["status"])
    if way in _DATES:
        return draft.replaced(**{way: dice.one_of(_BROKEN_DATES)})
    if way == "value":
        return draft.replaced(value=dice.one_of(_BROKEN_NUMBERS))
    if way == "unit":
        return draft.replaced(unit=dice.one_of(_BROKEN_UNITS) or None)
    if way == "presence":
        return draft.replaced(presence="perhaps" if dice.random.random() < 0.5 else None)
    if way == "term":
        return draft.replaced(term=f"{columns['term']}Z" if dice.random.random() < 0.75 else None)
    return draft.replaced(status="on_paper")
