"""Ask of all states of knowledge in which at most two facts are unknown whether classes are entailed, or still possible.

A state is a case of which one or two restrictions or bounds are left open. It is written as the four cases that settle
them: a class is entailed when each of these cases that the knowledge allows is in it, and possible when one of them is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from reasoner.authoring.state_space import Solving, StateSpace

__all__ = ["KnownStates"]

_UNKNOWN = 2

Option = tuple[str, bool, int | None]
"""A class, whether it holds, and the choice under which this counts; None counts always."""


class KnownStates(Solving):
    """The states over a space of cases; choices are variables of the search beside what is known."""

    def __init__(self, space: StateSpace) -> None:
        from pysat.card import CardEnc, EncType
        from pysat.solvers import Solver

        self._space = space
        self._solver = Solver(name="cadical195")
        self._count = 0
        self._base = {atom: self.choice() for atom in space.atoms}
        self._open = [{atom: self.choice() for atom in space.atoms} for _ in range(_UNKNOWN)]
        for opened in self._open:
            one = CardEnc.atmost(list(opened.values()), 1, top_id=self._count, encoding=EncType.seqcounter)
            self._count = max(self._count, one.nv)
            for clause in one.clauses:
                self.require(clause)
        self._worlds = [self._world(values) for values in product((False, True), repeat=_UNKNOWN)]
        self._allowed = [self._allows(world) for world in self._worlds]
        self.require(self._allowed)

    def choice(self) -> int:
        """Return a new variable of the search."""
        self._count += 1
        return self._count

    def require(self, clause: Iterable[int]) -> None:
        """Add a clause over choices."""
        self._solver.add_clause(list(clause))

    def entailed(self, guard: int, options: Sequence[Option]) -> None:
        """Demand that, where `guard` is chosen, each case that the state allows has one of the options that count."""
        for world, allowed in zip(self._worlds, self._allowed, strict=True):
            self.require([-guard, -allowed, *(self._counts(world, option) for option in options)])

    def possible(self, guard: int, option: Option) -> None:
        """Demand that, where `guard` is chosen, some case that the state allows has the option."""
        some = []
        for world, allowed in zip(self._worlds, self._allowed, strict=True):
            holds = self.choice()
            self.require([-holds, allowed])
            self.require([-holds, self._counts(world, option)])
            some.append(holds)
        self.require([-guard, *some])

    def find(self, names: Iterable[str], assumed: Sequence[int] = ()) -> tuple[frozenset[int], str] | None:
        """Return the choices made in a state that meets every demand, and in words what it knows about `names`."""
        if not self._solver.solve(assumptions=list(assumed)):
            return None
        model = {literal for literal in self._solver.get_model() if literal > 0}
        known = [
            atom if self._base[atom] in model else -atom
            for atom in self._space.atoms_of(names)
            if not any(opened[atom] in model for opened in self._open)
        ]
        return frozenset(model), self._space.described(known)

    def _counts(self, world: Mapping[int, int], option: Option) -> int:
        """Return a literal that implies that an option holds in a world and counts."""
        name, sign, choice = option
        literal = _renamed(world, self._space.literal(name) if sign else -self._space.literal(name))
        if choice is None:
            return literal
        both = self.choice()
        self.require([-both, literal])
        self.require([-both, choice])
        return both

    def _world(self, values: Sequence[bool]) -> dict[int, int]:
        """Return the variables of one way to settle what is open, by the variables of the space."""
        world = {variable: self.choice() for variable in range(1, self._space.variables + 1)}
        for atom, base in self._base.items():
            earlier: list[int] = []
            for opened, value in zip(self._open, values, strict=True):
                self.require([*earlier, -opened[atom], world[atom] if value else -world[atom]])
                earlier.append(opened[atom])
            self.require([*earlier, -base, world[atom]])
            self.require([*earlier, base, -world[atom]])
        for clause in self._space.definitions:
            self.require([_renamed(world, literal) for literal in clause])
        return world

    def _allows(self, world: Mapping[int, int]) -> int:
        """Return the variable that says whether hierarchy, bounds and constraints allow a world."""
        allowed, broken = self.choice(), []
        for clause in self._space.theory:
            literals = [_renamed(world, literal) for literal in clause]
            self.require([-allowed, *literals])
            breach = self.choice()
            for literal in literals:
                self.require([-breach, -literal])
            broken.append(breach)
        self.require([allowed, *broken])
        return allowed


def _renamed(world: Mapping[int, int], literal: int) -> int:
    return world[literal] if literal > 0 else -world[-literal]
