"""What the vectors say was recorded is what the hosted engine's open half really does."""

from itertools import islice
from random import Random

import pytest

from tests.conformance.compare import difference
from tests.conformance.reading import KINDS, vectors
from tests.differential.__main__ import VECTORS, main, recorded
from tests.differential.made import MAKERS, made
from tests.differential.mutation import Mutations
from tests.differential.peer import NOT_ASKED, Peer, is_installed

needs_the_peer = pytest.mark.skipif(not is_installed(), reason="the peer is not installed")


@needs_the_peer
@pytest.mark.parametrize("kind", [*KINDS, "found"])
def test_the_driver_answers_as_it_was_recorded(kind: str) -> None:
    """Whatever of a file's vectors the driver can answer comes out as it is there."""
    (file,) = VECTORS.glob(f"{kind}.jsonl*")
    with Peer() as peer:
        for vector in islice(vectors(file), 0, None, 4):  # a quarter is proof enough, and quick
            if vector["input"]["op"] in NOT_ASKED:
                continue
            answer = peer.answer(vector["kind"], vector["input"])
            part = "error" if "error" in vector else "expect"
            said = vector[part]
            if part == "error":
                keys = ("phase", "category", "pointers", "requests", "response_status")
                said = {key: said[key] for key in keys if key in said}
                answer = {part: {key: answer[part].get(key) for key in said}}
            assert difference(said, answer.get(part)) is None, vector["id"]


@needs_the_peer
@pytest.mark.parametrize("kind", MAKERS)
def test_cases_that_nobody_recorded_come_out_alike(kind: str) -> None:
    """A few hundred of each kind differ where it is listed, and nowhere else."""
    assert main(["--kind", kind, "--made", "--cases", "200", "--seed", "1"]) == 0


def test_a_seed_gives_the_same_cases_every_time() -> None:
    """Whoever reports a difference names the seed, and others see the same."""
    base = recorded("mapping")[:50]
    first = list(Mutations(base, Random(7)).cases(30))
    assert first == list(Mutations(base, Random(7)).cases(30))
    assert first != list(Mutations(base, Random(8)).cases(30))
    assert list(made("validation", Random(7), 30)) == list(made("validation", Random(7), 30))
    assert all(one["input"] != two["input"] for one, two in zip(first, base, strict=False))
