"""Dead letters of users whose events go one after the other."""

from pathlib import Path

from destination_core.queue import Dead, Delivered, Intake, SqliteQueue


def ordered(number: int, user: str) -> Intake:
    """Make an event that waits for the earlier ones of its user."""
    return Intake("web", f"m-{number}", b"%d" % number, ("a",), 1.0, user, frozenset("a"))


async def test_dead_letters_of_a_user_come_back_in_line(tmp_path: Path) -> None:
    """One after the other, behind what waits of that user by then; others beside them."""
    path = tmp_path / "q.db"
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([ordered(n, "ann" if n else "bob") for n in range(4)])
        for _ in range(3):
            jobs = await queue.claim("a", 10, 60)
            await queue.settle([Dead(one, "", "", "BAD", "no good", b"{}") for one in jobs])
        await queue.put([ordered(9, "ann")])
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        letters = await queue.dead_letters()
        assert await queue.revive([one.id for one in letters]) == 4
        seen = []
        while jobs := await queue.claim("a", 10, 60):
            seen.append([one.body for one in jobs])
            await queue.settle([Delivered(one) for one in jobs])
    first, *rest = [sorted(one) for one in seen]
    assert (first, rest) == ([b"0", b"9"], [[b"1"], [b"2"], [b"3"]])
