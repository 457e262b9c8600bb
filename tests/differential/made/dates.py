"""Texts that are dates, nearly, or not at all."""

from random import Random
from typing import Final

YEARS: Final = ("2022", "2024", "1970", "0001", "9999", "10000", "22", "+2022", "-2022")
MONTHS: Final = ("01", "02", "03", "12", "1", "00", "13", "jan")
DAYS: Final = ("01", "04", "28", "29", "30", "31", "32", "00", "1")
ZONES: Final = (
    "", "", "Z", "Z", "Z", "z", " Z", "+02:00", "-05:30", "+0530", "+02", "+24:00", "-00:00",
    " +02:00", " UTC", " GMT", "+2:00", "ZZ", "+02:60",
)  # fmt: skip
OTHERS: Final = (
    "", "1646370367", "1646370367123", "1646370367.5", "1e9", "0", "-1", "007", "20220304", "2022",
    "99999999999", "0x10", " 1646370367", "NaN", "Infinity", "now", "March 4, 2022", "12:30",
    "Fri, 04 Mar 2022 05:06:07 GMT", "4 Mar 2022 05:06:07 +0200", "3/4/2022", "04.03.2022",
    "T10:20", "2022-03-04T", "hello 1", "555-1234", "2022-W10-4", "2022-063", "true",
)  # fmt: skip


def date(random: Random) -> str:
    """Return a text; one in six is of another notation."""
    pick = random.choice
    if random.random() < 0.16:
        return pick(OTHERS)
    hyphen = pick("----------/.")
    text = pick(YEARS[:2] * 4 + YEARS) + hyphen + pick(MONTHS[:4] * 3 + MONTHS)
    if random.random() < 0.9:
        text += hyphen + pick(DAYS[:3] * 3 + DAYS)
    if random.random() < 0.75:
        text += pick(("T", "T", "T", "T", "t", " ", "  ")) + pick(("00", "05", "23", "24", "5"))
        text += pick((":06", ":06", ":06", ":59", ":60", "")) + pick(
            (":07", ":07", ":60", ":7", "")
        )
        text += pick(("", "", ".5", ".123", ",5", ".123456789", ".1234567890", "."))
    return pick(("", "", "", "", "", "", " ")) + text + pick(ZONES)
