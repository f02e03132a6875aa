"""Operations on numbers and moments that two dialects write the same way, given a few words of each: exact decimals, boundaries, keys.

Numbers are `DECIMAL(37,18)` (19 digits before the point, 18 after; products and quotients 9 and 9), made from the digits of the JSON
text. A number outside stops the query with a message: no engine may round it in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Words", "numbers_and_moments"]


@dataclass(frozen=True, slots=True)
class Words:
    """What a dialect calls things. `matches(x, pattern)` is a whole match; `pattern` has no backslash. `moved(start, minutes)` is the
    text of a moment so many minutes later; `let(x, made)` computes `x` once for `made`."""

    text: str
    whole: str
    matches: Callable[[str, str], str]
    stop: Callable[[str], str]
    find: Callable[[str, str], str]
    quotient: Callable[[str, str], str]
    moved: Callable[[str, str], str]
    rtrim: Callable[[str, str], str]
    let: Callable[[str, Callable[[str], str]], str]


def numbers_and_moments(say: Words) -> dict[str, Callable[..., str]]:
    """The operations, in the words of one dialect."""
    text, stop = say.text, say.stop

    def truth(x: str) -> str:
        return (
            f"CASE WHEN {x} IS NULL THEN NULL WHEN {x} = 'true' THEN TRUE WHEN {x} = 'false' THEN FALSE ELSE {stop('no truth value')} END"
        )

    def whole(x: str) -> str:
        digits = say.matches(x, "[+-]?[0-9]{1,18}")
        return f"CASE WHEN {x} IS NULL THEN NULL WHEN {digits} THEN CAST({x} AS BIGINT) ELSE {stop('no whole number')} END"

    def checked(x: str, pattern: str, type_: str, what: str) -> str:
        return f"CASE WHEN {x} IS NULL THEN NULL WHEN {say.matches(x, pattern)} THEN CAST({x} AS {type_}) ELSE {stop(what)} END"

    def number(x: str) -> str:
        pattern = "-?[0-9]{1,19}([.][0-9]{1,18})?|-?[0-9]([.][0-9]{1,9})?[eE][+-]?[0-9]"
        return checked(x, pattern, "DECIMAL(37,18)", "a number beyond 19 digits and 18 decimals")

    def plain(x: str) -> str:
        return checked(x, "-?[0-9]{1,19}([.][0-9]{1,18})?", "DECIMAL(37,18)", "a number beyond 19 digits and 18 decimals")

    def small(x: str) -> str:
        return checked(x, "-?[0-9]{1,9}([.][0-9]{1,9})?", "DECIMAL(18,9)", "a factor beyond 9 digits and 9 decimals")

    def scale(x: str) -> str:
        at = say.find(x, ".")
        return f"CASE WHEN {at} = 0 THEN 0 ELSE length({x}) - {at} END"

    def cut(number_: str, places: str) -> str:
        """A decimal of 18 places as text with so many."""
        return say.let(
            f"CAST({number_} AS {text})",
            lambda held: f"substr({held}, 1, length({held}) - CASE WHEN {places} = 0 THEN 19 ELSE 18 - ({places}) END)",
        )

    def added(sign: str) -> Callable[[str, str], str]:
        def made(a: str, b: str) -> str:
            total = f"({plain(a)} {sign} {plain(b)})"
            return cut(total, f"greatest({scale(a)}, {scale(b)})")

        return made

    def times(a: str, b: str) -> str:
        return cut(f"({small(a)} * {small(b)})", f"(({scale(a)}) + ({scale(b)}))")

    def over(a: str, b: str) -> str:
        def quotient(left: str, right: str) -> str:
            sign = f"CASE WHEN ({left} < 0) <> ({right} < 0) AND {left} <> 0 THEN '-' ELSE '' END"
            scaled = say.quotient(f"(abs({left}) * 200000000 + abs({right}))", f"(abs({right}) * 2)")

            def shown(digits: str) -> str:
                padded = f"lpad({digits}, CAST(greatest(9, length({digits})) AS INT), '0')"
                point = f"substr({padded}, 1, length({padded}) - 8) || '.' || substr({padded}, length({padded}) - 7)"
                return say.rtrim(say.rtrim(point, "0"), ".")

            made = say.let(f"CAST({scaled} AS {text})", shown)
            return f"CASE WHEN {left} IS NULL OR {right} IS NULL OR {right} = 0 THEN NULL ELSE {sign} || {made} END"

        left, right = (f"CAST(replace(CAST({small(x)} AS {text}), '.', '') AS {say.whole})" for x in (a, b))
        return say.let(left, lambda one: say.let(right, lambda other: quotient(one, other)))

    def edge(sign: str) -> Callable[[str], str]:
        def made(x: str) -> str:
            places = scale(x)
            half = f"CAST('0.' || repeat('0', {places}) || '5' AS DECIMAL(37,18))"
            moved = cut(f"({plain(x)} {sign} {half})", "8")
            return f"CASE WHEN {places} > 7 THEN {stop('the boundary of more than 7 decimals')} ELSE {moved} END"

        return made

    def date_edge(month: str, day: Callable[[str], str]) -> Callable[[str], str]:
        def made(x: str) -> str:
            return f"CASE length({x}) WHEN 4 THEN {x} || '{month}' WHEN 7 THEN {day(x)} ELSE {x} END"

        return made

    low_date = date_edge("-01-01", lambda x: f"{x} || '-01'")
    high_date = date_edge("-12-31", lambda x: f"CAST(last_day(CAST({x} || '-01' AS DATE)) AS {text})")

    def body(x: str) -> str:
        """A moment with an hour, without its zone."""
        return (
            f"CASE WHEN {x} LIKE '%Z' THEN substr({x}, 1, length({x}) - 1) "
            f"WHEN substr({x}, length({x}) - 5, 1) IN ('+', '-') THEN substr({x}, 1, length({x}) - 6) ELSE {x} END"
        )

    def full(x: str, minute: str, second: str, cut_at: int) -> str:
        """Seconds and thousandths filled in; `cut_at` is the length to the whole second."""
        return (
            f"CASE WHEN length({x}) = {cut_at - 3} THEN {x} || '{minute}' WHEN length({x}) = {cut_at} THEN {x} || '{second}' "
            f"WHEN length({x}) > {cut_at} THEN rpad(substr({x}, 1, {cut_at + 4}), {cut_at + 4}, '0') ELSE {stop('no such moment')} END"
        )

    def datetime_edge(date: Callable[[str], str], hours: str, minute: str, second: str, zone: str) -> Callable[[str], str]:
        def made(x: str) -> str:
            mark = f"substr({x}, length({x}) - 5)"
            own = (
                f"CASE WHEN {x} LIKE '%Z' OR {mark} IN ('+00:00', '-00:00') THEN 'Z' "
                f"WHEN substr({mark}, 1, 1) IN ('+', '-') THEN {mark} ELSE '{zone}' END"
            )
            return (
                f"CASE WHEN {x} IS NULL THEN NULL WHEN length({x}) <= 10 THEN ({date(x)}) || '{hours}{zone}' "
                f"ELSE ({say.let(body(x), lambda inner: full(inner, minute, second, 19))}) || {own} END"
            )

        return made

    def moment_key(x: str) -> str:
        def shifted(inner: str) -> str:
            zone = f"substr({x}, length({x}) - 5)"
            minutes = f"(CAST(substr({zone}, 2, 2) AS INT) * 60 + CAST(substr({zone}, 5, 2) AS INT))"
            shift = f"CASE WHEN substr({zone}, 1, 1) = '+' THEN -{minutes} ELSE {minutes} END"
            start = f"substr({inner} || CASE WHEN length({inner}) = 16 THEN ':00' ELSE '' END, 1, 19)"
            moved = f"substr({say.moved(start, shift)}, 1, length({inner})) || substr({inner}, 20)"
            bare = f"CASE WHEN substr({zone}, 1, 1) IN ('+', '-') THEN {moved} ELSE {inner} END"
            return say.let(bare, lambda key: f"CASE WHEN length({key}) < 19 THEN {key} ELSE {full(key, '', '.000', 19)} END")

        return f"CASE WHEN {x} IS NULL THEN NULL WHEN length({x}) <= 10 THEN {x} ELSE {say.let(body(x), shifted)} END"

    def time_key(x: str) -> str:
        return f"CASE WHEN length({x}) = 8 THEN {x} || '.000' WHEN length({x}) > 8 THEN rpad(substr({x}, 1, 12), 12, '0') ELSE {x} END"

    def moments(a: str, b: str, zoned: str, other: str, name: str) -> str:
        shared = f"least(length({a}), length({b}))"
        left, right = f"substr({a}, 1, {shared})", f"substr({b}, 1, {shared})"
        sign = name.strip("'")
        differ = "FALSE" if sign == "=" else f"{left} {sign} {right}"
        alike = "TRUE" if "=" in sign else "FALSE"
        return (
            f"CASE WHEN {a} IS NULL OR {b} IS NULL OR ({zoned}) <> ({other}) THEN NULL WHEN {left} <> {right} THEN {differ} "
            f"WHEN length({a}) = length({b}) THEN {alike} END"
        )

    return {
        "truth": truth,
        "int": whole,
        "number": number,
        "digits": lambda x: f"CAST({x} AS {text})",
        "plus": added("+"),
        "minus": added("-"),
        "times": times,
        "over": over,
        "low_decimal": edge("-"),
        "high_decimal": edge("+"),
        "low_date": low_date,
        "high_date": high_date,
        "low_datetime": datetime_edge(low_date, "T00:00:00.000", ":00.000", ".000", "+14:00"),
        "high_datetime": datetime_edge(high_date, "T23:59:59.999", ":59.999", ".999", "-12:00"),
        "low_time": lambda x: f"CASE WHEN {x} IS NULL THEN NULL ELSE {full(x, ':00.000', '.000', 8)} END",
        "high_time": lambda x: f"CASE WHEN {x} IS NULL THEN NULL ELSE {full(x, ':59.999', '.999', 8)} END",
        "moment_key": moment_key,
        "time_key": time_key,
        "moments": moments,
    }
