"""Enumerate the sets of moves that are still to be tried: those that hold neither an answer nor two moves that bar each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations
from math import comb

from reasoner.moves import Move
from reasoner.program.masks import bits_of

__all__ = ["PAIR", "Tried"]

PAIR = 2


class Tried:
    """Remembers by bit masks over the moves which pairs no smallest answer holds, and the answers found."""

    def __init__(self, moves: Sequence[Move], barring: Iterable[tuple[Move, Move]]) -> None:
        self._moves = moves
        self._bit = {move: 1 << index for index, move in enumerate(moves)}
        self._barred = dict.fromkeys(moves, 0)
        self._answers: list[int] = []
        alike = (pair for pair in combinations(moves, PAIR) if pair[0].subject == pair[1].subject)
        for one, other in chain(alike, barring):
            self.bar(one, other)

    def bar(self, one: Move, other: Move) -> None:
        """Let no set hold both moves."""
        self._barred[one] |= self._bit[other]
        self._barred[other] |= self._bit[one]

    def add_answer(self, chosen: Iterable[Move]) -> None:
        """Let no set hold an answer."""
        moves = tuple(chosen)
        if len(moves) == PAIR:
            self.bar(*moves)
        else:
            self._answers.append(sum(self._bit[move] for move in moves))

    def candidates(self, clusters: Iterable[Sequence[Move]], size: int) -> Iterator[tuple[Move, ...]]:
        """Yield the sets of some size within one cluster that hold neither a barred pair nor an answer, each once."""
        seen: list[int] = []
        for cluster in clusters:
            mask = sum(self._bit[move] for move in cluster)
            if not any(mask & ~other == 0 for other in seen):
                near = [mask & other for other in seen if (mask & other).bit_count() >= size]
                answers = [each for each in self._answers if each & ~mask == 0]
                grown = self._grown((), 0, mask, size)
                if near:
                    grown = (each for each in grown if not any(each[1] & ~other == 0 for other in near))
                if answers:
                    grown = (each for each in grown if not any(other & ~each[1] == 0 for other in answers))
                yield from (chosen for chosen, _ in grown)
                seen.append(mask)

    def exceed(self, clusters: Iterable[Sequence[Move]], size: int, most: int) -> bool:
        """Return whether one cluster that holds no answer has more sets of some size than `most`."""
        masks = (sum(self._bit[move] for move in cluster) for cluster in clusters)
        large = (mask for mask in masks if comb(mask.bit_count(), size) > most)
        return any(self._count(mask, size) > most for mask in large if all(each & ~mask for each in self._answers))

    def _count(self, allowed: int, size: int) -> int:
        """Return how many sets of the moves allowed hold none that bars another."""
        if size == 1:
            return allowed.bit_count()
        rest = ((allowed & ~((2 << index) - 1) & ~self._barred[self._moves[index]]) for index in bits_of(allowed))
        return sum(self._count(each, size - 1) for each in rest)

    def _grown(self, chosen: tuple[Move, ...], held: int, allowed: int, size: int) -> Iterator[tuple[tuple[Move, ...], int]]:
        """Yield the sets that hold some moves and further ones of those allowed, none of which bars another, each with its mask."""
        for index in bits_of(allowed):
            move = self._moves[index]
            wider, mask = (*chosen, move), held | 1 << index
            if size == 1:
                yield wider, mask
            else:
                yield from self._grown(wider, mask, allowed & ~((2 << index) - 1) & ~self._barred[move], size - 1)
