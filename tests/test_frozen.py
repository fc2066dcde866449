"""Check classes that are frozen to the type checker."""

from __future__ import annotations

from dataclasses import field, replace

import pytest

from reasoner.frozen import frozen


@frozen()
class _Pair:
    first: int
    second: tuple[int, ...] = field(default=())


def test_type_checking_refuses_to_assign_a_field() -> None:
    """The ignored error must be there: an ignore that hides nothing fails the type check, and with it the build."""
    pair = _Pair(1)
    pair.first = 2  # type: ignore[misc]
    assert pair.first == 2


def test_objects_are_told_apart_by_their_fields_and_take_no_others() -> None:
    pair = _Pair(1, (2,))
    assert pair == replace(_Pair(1), second=(2,)) != replace(pair, first=3)
    assert len({pair, _Pair(1, (2,)), _Pair(1)}) == 2
    with pytest.raises(TypeError, match="__dict__"):
        vars(pair)
