"""Find a case that agrees with everything known and settles a class one way: what shows that the class is not settled."""

from __future__ import annotations

from dataclasses import replace
from decimal import Context, Decimal

from reasoner.entailment import ENTAILED, OPEN, Statuses
from reasoner.errors import IncompleteError
from reasoner.program.masks import bits_of
from reasoner.program.model import End, Indicator, Literal
from reasoner.proof_axioms import Node
from reasoner.proof_data import Model
from reasoner.proof_search import Search, leaves_below, said_of

__all__ = ["Models"]

_EXACT = Context(prec=400)


class Models:
    """The cases that agree with what one search knows; each is built once."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self._models: dict[int, Model] = {}
        self._values: dict[tuple[str, int], str] = {}

    def find(self, name: str, holds: bool) -> Model:
        """Return a case in which membership of the class `name` is as asked; raise IncompleteError when it is settled otherwise."""
        search = self.search
        node = search.axioms.node(name)
        least = search.masks[0]
        if _value_of(search, node, least, {}) == holds:
            return self._model(least)
        for leaf in leaves_below(node, {}):
            if not (search.masks[0] | search.masks[1]) >> leaf & 1:
                true = least | said_of(search.axioms, search.axioms.leaf(leaf), True)[0]
                if _value_of(search, node, true, {}) == holds:
                    return self._model(true)
        bit, sign = search.program.classes[name]
        return self._model(_grow(search, name, (bit, sign == holds)))

    def find_role(self, role: str, term: str) -> tuple[Model, Model]:
        """Return a case that stands in a role to a term, and one that does not, where it is unknown whether it does."""
        least = self.search.masks[0]
        found = self._model(least | said_of(self.search.axioms, ("some", role, term), True)[0])
        return replace(found, present=tuple(dict.fromkeys((*found.present, (role, term))))), self._model(least)

    def _model(self, true: int) -> Model:
        """Return the case in which exactly these leaves are true."""
        if true not in self._models:
            program = self.search.program
            present = tuple(name for name in map(program.leaves.__getitem__, bits_of(true)) if name[0] not in program.indicator)
            values = tuple((each.iri, self._value(each, true)) for each in program.indicators if true >> each.first_bit & 1)
            self._models[true] = Model(present, values)
        return self._models[true]

    def _value(self, indicator: Indicator, true: int) -> str:
        """Return a value of an indicator that passes exactly the cuts that are true."""
        passed = (true >> indicator.first_bit + 1 & (1 << len(indicator.cuts)) - 1).bit_count()
        key = indicator.iri, passed
        if key not in self._values:
            self._values[key] = _value(self.search, indicator, passed)
        return self._values[key]


def _value_of(search: Search, node: Node, true: int, known: dict[Node, bool]) -> bool:
    """Return whether a statement holds in the case in which exactly the leaves `true` are."""
    if node not in known:
        if node.kind in ("some", "band"):
            known[node] = all((true >> bit & 1) == sign for bit, sign in node.bits)
        elif search.settled(node, True):
            known[node] = True
        elif search.settled(node, False):
            known[node] = False
        else:
            found = (_value_of(search, part, true, known) == sign for part, sign in node.parts)
            known[node] = all(found) if node.kind == "and" else any(found)
    return known[node]


def _resting(search: Search, masks: tuple[int, int]) -> tuple[int, int]:
    """Return the masks with every leaf that is still unknown taken as false."""
    return masks[0], ((1 << len(search.program.leaves)) - 1) & ~masks[0]


def _grow(search: Search, name: str, target: Literal) -> int:
    """Return the true leaves of a case that settles `target`, found leaf by leaf: each is false unless that would settle the opposite."""
    program = search.program
    against = (target[0], not target[1])
    true, false = search.masks
    for leaf in leaves_below(search.axioms.node(name), {}):
        if Statuses(program, true, false).literal((leaf, True)) != OPEN:
            continue
        for assumed in (False, True):
            more = said_of(search.axioms, search.axioms.leaf(leaf), assumed)
            tried = true | more[0], false | more[1]
            if not tried[0] & tried[1] and Statuses(program, *tried).literal(against) != ENTAILED:
                true, false = tried
                break
    masks = _resting(search, (true, false))
    if Statuses(program, *masks).literal(target) != ENTAILED:
        raise IncompleteError("No case was found that shows a class to be open", where=name)
    return masks[0]


def _value(search: Search, indicator: Indicator, passed: int) -> str:
    """Return a value of an indicator that passes so many of its cuts and no more, and lies in the known interval."""
    lows: list[End] = [indicator.cuts[passed - 1]] if passed else []
    highs: list[End] = [indicator.cuts[passed]] if passed < len(indicator.cuts) else []
    state = search.values.get(indicator.iri)
    if state is not None and state.settled:
        lows += [state.low] if state.low else []
        highs += [state.high] if state.high else []
    if indicator.datatype == "boolean":
        lows, highs = [*lows, (Decimal(0), 0)], [*highs, (Decimal(1), 1)]
    return format(_between(max(lows, default=None), min(highs, default=None), indicator.datatype != "decimal"), "f")


def _between(low: End | None, high: End | None, whole: bool) -> Decimal:
    if low is None:
        if high is None:
            return Decimal(0)
        value = high[0].to_integral_value("ROUND_FLOOR")
        return value - 1 if high[1] == 0 or not whole else value
    if low[1] == 0 and (not whole or low[0] == low[0].to_integral_value()):
        return low[0]
    if whole or high is None:
        return low[0].to_integral_value("ROUND_FLOOR") + 1
    if high[1] == 1:
        return high[0]
    return _EXACT.divide(_EXACT.add(low[0], high[0]), Decimal(2))
