"""Dates of birth as tables write them: one order for a whole column, told by the values that can stand in one order only. Pure.

In, what stands in a column; out, `YYYYMMDD`, or `YYMMDD` where no century is written: none is guessed. What is no date stays as its digits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date as day_of
from datetime import timedelta
from typing import NamedTuple

from trivet.data.identity.words import plain

__all__ = ["Order", "date", "order_of"]

PARTS = re.compile(r"\d+")
LETTERS = re.compile(r"[A-Z]{3,}")
COMPACT = re.compile(r"\s*(\d{8})\s*")
SERIAL = re.compile(r"\s*(\d{1,5})(?:\.0+)?\s*")
FIRST, LAST = 1850, 2100  # years between which a number of four digits is taken for a year
SPREADSHEET = day_of(1899, 12, 30)  # day 0 of spreadsheets
STEMS = (
    """JAN;FEB FEV;MAR MRT MAE;APR AVR ABR;MAY MAI MEI MAG;JUN JUIN GIU;JUL JUIL LUG;AUG AOU AGO;SEP SET;OCT OKT OTT OUT;NOV;DEC DEZ DIC"""
)
MONTHS = {stem: f"{number:02d}" for number, stems in enumerate(STEMS.split(";"), 1) for stem in stems.split()}


class Order(NamedTuple):
    """How a column writes its dates. `parted`: `dmy`, `mdy` or `ymd` of dates of three short numbers, empty where nothing tells; `compact`:
    the same of eight digits; `serial`: they are days since a spreadsheet's day 0."""

    parted: str = ""
    compact: str = "ymd"
    serial: bool = False


def order_of(written: Sequence[str]) -> Order:
    """The order that most values of a column can only have been written in."""
    parted, compact, serials, others = Counter[str](), Counter[str](), 0, 0
    for value in written:
        numbers = PARTS.findall(value)
        if found := COMPACT.fullmatch(value):
            compact.update(order for order in ("ymd", "mdy", "dmy") if _cut(found[1], order))
        elif found := SERIAL.fullmatch(value):
            serials += len(found[1]) == 5
        elif len(numbers) == 3 and len(numbers[0]) <= 2:
            others += 1
            first, second, last = map(int, numbers)
            if len(numbers[2]) <= 2 and first > 31:
                parted["ymd"] += 1
            elif len(numbers[2]) == 4 or last > 31:
                parted.update(["dmy"] if first > 12 else ["mdy"] if second > 12 else [])
        else:
            others += bool(value.strip())
    order = parted.most_common(1)[0][0] if parted else ""
    best = max(("ymd", "mdy", "dmy"), key=lambda name: compact[name])
    return Order(order, best, serials > 0 and not others and not compact)


def date(written: str, order: Order = Order()) -> str:
    """One date in plain form."""
    numbers = PARTS.findall(written)
    if order.serial and (found := SERIAL.fullmatch(written)):
        return f"{SPREADSHEET + timedelta(days=int(found[1])):%Y%m%d}"
    if len(numbers) == 1 and len(numbers[0]) == 8:
        return _cut(numbers[0], order.compact) or numbers[0]
    if named := _month(written) if len(numbers) == 2 else "":
        day, year = (numbers[1], numbers[0]) if len(numbers[0]) == 4 else (numbers[0], numbers[1])
        return f"{year}{named}{day.zfill(2)}"
    if len(numbers) >= 3 and len(numbers[0]) == 4:
        return f"{numbers[0]}{numbers[1].zfill(2)}{numbers[2].zfill(2)}"
    if len(numbers) >= 3 and len(numbers[0]) <= 2 and len(numbers[1]) <= 2 and len(numbers[2]) in (2, 4):
        return _parted(numbers[:3], order.parted, dotted="." in written.partition(numbers[2])[0])
    return "".join(numbers)


def _parted(numbers: Sequence[str], order: str, *, dotted: bool) -> str:
    """Three short numbers. What can only be a day is one, whatever the column does; where nothing tells, points mean day first."""
    one, two, three = (number.zfill(2) for number in numbers)
    if len(three) == 2 and (order == "ymd" or int(one) > 31):
        return f"{one}{two}{three}"
    day_first = int(one) > 12 or (int(two) <= 12 and (order == "dmy" or (not order and dotted)))
    return f"{three}{two}{one}" if day_first else f"{three}{one}{two}"


def _cut(digits: str, order: str) -> str:
    """Eight digits in an order, as a date; empty when they are none."""
    year, month, day = {
        "ymd": (digits[:4], digits[4:6], digits[6:]),
        "mdy": (digits[4:], digits[:2], digits[2:4]),
        "dmy": (digits[4:], digits[2:4], digits[:2]),
    }[order]
    return f"{year}{month}{day}" if FIRST <= int(year) <= LAST and 1 <= int(month) <= 12 and 1 <= int(day) <= 31 else ""


def _month(written: str) -> str:
    """The number of a month that is written in letters."""
    for word in LETTERS.findall(plain(written)):
        if found := MONTHS.get(word[:4]) or MONTHS.get(word[:3]):
            return found
    return ""
