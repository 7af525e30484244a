"""Derived seeds."""

from sirtui.core.seeds import derive


def test_a_seed_depends_on_every_part_and_their_order():
    """No two of a thousand draws share a seed, and the parts do not run into each other."""
    seeds = {derive(0, t, repeat, "test", f"nano/{problem}") for t in range(10) for repeat in range(2) for problem in range(50)}
    assert len(seeds) == 1000
    assert len({derive(1, 23), derive(12, 3), derive(23, 1)}) == 3


def test_a_seed_is_the_same_for_ever():
    """Runs can be drawn again by a later version."""
    assert derive(0, 1, 1, "test", "nano/test-0") == 5560343080833827722
