"""Ask of all pairs of cases of which the second is the first with findings added whether a class comes or goes."""

from __future__ import annotations

from collections.abc import Callable

from reasoner.authoring.state_space import Solving, StateSpace

__all__ = ["GrownCases"]


class GrownCases(Solving):
    """Pairs of cases before and after something is added; `grows` says which restrictions (role, filler) may be added.

    What is above an added restriction comes with it. A score that counts a finding taken away may move either way, one
    that only counts up can only rise; every other value stays.
    """

    def __init__(self, space: StateSpace, grows: Callable[[str, str], bool]) -> None:
        from pysat.solvers import Solver

        self._space = space
        self._shift, self._count = space.variables, 2 * space.variables
        self._solver = Solver(name="minisat22")
        for clause in (*space.definitions, *space.theory):
            self._solver.add_clause(clause)
            self._solver.add_clause([self._after(literal) for literal in clause])
        added = {pair: variable for pair, variable in space.roles.items() if grows(*pair)}
        for pair, variable in space.roles.items():
            self._link(variable, [source for other, source in added.items() if space.implies(other, pair)])
        for variable, moves in space.moving({filler for _, filler in added}).items():
            if not moves:
                self._solver.add_clause([variable, -self._after(variable)])
            if moves != "freely":
                self._solver.add_clause([-variable, self._after(variable)])
        self._added = sorted(added.values())
        self._solver.set_phases([-variable for variable in space.roles.values()])

    def find(self, name: str, before: bool) -> tuple[str, str] | None:
        """Return in words a case that has the class before and not after, or the other way, and what is added; or None."""
        literal = self._space.literal(name)
        signs = (literal, -self._after(literal)) if before else (-literal, self._after(literal))
        assumed = list(signs)
        if not self._solver.solve(assumptions=assumed):
            return None
        for atom in self._added:
            if self._solver.solve(assumptions=[*assumed, -self._after(atom)]):
                assumed.append(-self._after(atom))
        self._solver.solve(assumptions=assumed)
        model = {each for each in self._solver.get_model() if each > 0}
        known = [atom if atom in model else -atom for atom in self._space.atoms_of([name])]
        fresh = [atom for atom in self._added if atom not in model and self._after(atom) in model]
        return self._space.described(known), self._space.described(fresh)

    def _after(self, literal: int) -> int:
        return literal + self._shift if literal > 0 else literal - self._shift

    def _link(self, variable: int, sources: list[int]) -> None:
        """Say that a restriction stays, and comes only with one that may be added and brings it."""
        self._solver.add_clause([-variable, self._after(variable)])
        brought = []
        for source in sources:
            self._count += 1
            comes = self._count
            self._solver.add_clause([-comes, self._after(source)])
            self._solver.add_clause([-comes, -source])
            brought.append(comes)
        self._solver.add_clause([variable, -self._after(variable), *brought])
