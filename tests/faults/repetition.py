"""F14: senders that repeat everything, at once, after a restart, and 23 hours later."""

from pathlib import Path

from tests.faults import ahead
from tests.faults.fault import Fault, Result, Size
from tests.faults.stage import QUICK, Stage

HOURS = 23
"""Within the day for which ids are remembered."""


async def run(size: Size, folder: Path) -> Result:
    """Send every event four times; refuse a part for good, and replay it at the end."""
    many = 10_000 if size is Size.LONG else 300
    refused = many // 10
    result = Result()
    async with Stage(folder, "a", "b", delivery=QUICK) as stage:
        service = await stage.serve()
        await stage.oracle.answer("b", status=422)
        await stage.oracle.issue(refused)
        await stage.drained()
        await stage.oracle.answer("b")
        await stage.oracle.issue(many - refused)
        await stage.oracle.issue(many, first=0)
        await service.end()
        service = await stage.serve()
        await stage.oracle.issue(many, first=0)
        await stage.drained()
        await service.end()
        later = ahead.environment(folder, HOURS * 3600, stage.environment)
        service = await stage.serve(environment=later)
        await stage.oracle.issue(many, first=0)
        await stage.drained()
        entered = {
            name: await service.metric(
                "destinations_queue_deliveries", destination=name, state="accepted"
            )
            for name in ("a", "b")
        }
        dead = await service.metric("destinations_queue_deliveries", destination="b", state="dead")
        result.demand("each event enters once", set(entered.values()) == {float(many)}, entered)
        result.demand("what was refused for good is dead", dead == refused, dead)
        code, said = await stage.command("dead", "retry", "c.json", "--destination", "b")
        result.demand("dead letters can be queued again", code == 0, said.decode()[-200:])
        arrived = await stage.oracle.until("b", many, 120)
        result.demand("a replay is not taken for a repetition", arrived, arrived)
        await stage.judge(result)
    repeated = int(result.figures["duplicates"])
    result.demand("each event arrives once", repeated == 0, repeated)
    result.figures |= {"sent": 4 * many, "dead, then replayed": refused}
    return result


FAULT = Fault(
    "F14",
    "every event sent four times, after a restart and 23 h later too",
    "each enters and arrives exactly once; a replay of dead letters is not swallowed",
    run,
)
