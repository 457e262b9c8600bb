"""Event ids: the same ULID for a messageId, for as long as Customer.io may remember it."""

import pytest

from destination_customerio import event_ids


@pytest.mark.parametrize(
    ("message_id", "ulid"),
    [
        ("m-1", "54C6T75JT1N7P3VVJWJ37RWJKR"),
        ("", "73P324567W3GA9NYZMS2CPZE94"),
        ("é", "2AK5AQWG1KRD9SVRQBCN3J05YA"),
        ("ajs-next-1732356000000-4f0d8a0e-1", "0TF50SH0BVP8PX63X03WEVHPVX"),
        ("022bb90c-bbac-11e4-8dfc-aa07a5b093db", "5MHRTQKSBWDPNNW20TY9D5GT08"),
    ],
)
def test_an_id_never_changes(message_id: str, ulid: str) -> None:
    """A new version that made others would let every event that is sent again count twice."""
    assert event_ids.event_id(message_id) == ulid


@pytest.mark.parametrize(
    ("message_id", "kept"),
    [
        ("01BX5ZZKBKACTAV9WEVGEMMVRY", True),
        ("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", True),
        ("00000000000000000000000000", True),
        ("8ZZZZZZZZZZZZZZZZZZZZZZZZZ", False),  # over 128 bits
        ("01BX5ZZKBKACTAV9WEVGEMMVRU", False),  # no U in the alphabet
        ("01bx5zzkbkactav9wevgemmvry", False),
        ("01BX5ZZKBKACTAV9WEVGEMMVR", False),
        ("01BX5ZZKBKACTAV9WEVGEMMVRY0", False),
        ("01BX5ZZKBKACTAV9WEVGEMMVR\n", False),
        (" 01BX5ZZKBKACTAV9WEVGEMMVR", False),
    ],
)
def test_a_ulid_is_kept(message_id: str, kept: bool) -> None:
    """What is one already is sent as it is; whatever only looks like one is not."""
    made = event_ids.event_id(message_id)
    assert (made == message_id) is kept
    assert event_ids.ULID.fullmatch(made)


def test_a_text_that_utf_8_cannot_hold_has_an_id_too() -> None:
    """Half a surrogate pair comes from clients that cut texts."""
    assert event_ids.ULID.fullmatch(event_ids.event_id("\ud800"))


def test_different_events_have_different_ids() -> None:
    """All 128 bits come from the message's id: 20,000 events share none."""
    assert len({event_ids.event_id(f"m-{n}") for n in range(20_000)}) == 20_000
