"""Does our scorer say what Splink says? The same levels, m, u and term frequencies given to both: match weights side by side.

    python -m venv peers && peers/bin/pip install 'splink>=5,<6' 'duckdb>=1.4,<3'
    python benchmarks/splink_parity.py [--peer peers/bin/python] [--pairs 20000] [--tables FOLDER]

Pairs come from FEBRL (FOLDER, the suite `record-linkage`; left out where it is not) and from persons made here with typing errors,
exchanged names, nicknames, initials, other days: three in four share a key, the rest are picked by chance. Two rules of ours lie
outside the model and are taken out for the comparison: the limit on what contact data may say together, and contact data that many
persons share.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from trivet.data.identity import words
from trivet.data.identity.compare import compare
from trivet.data.identity.features import Features, Name
from trivet.data.identity.keys import keys
from trivet.data.identity.weights import Weights, shipped
from trivet.kernel.resources import text

SIDE = Path(__file__).with_name("splink_peer.py")
COLUMNS = {
    "unique_id": "BIGINT",
    "pair": "BIGINT",
    "family": "VARCHAR",
    "given": "VARCHAR",
    "middle": "VARCHAR",
    "suffix": "VARCHAR",
    "nicks": "VARCHAR[]",
    "middle_nicks": "VARCHAR[]",
    "birth": "VARCHAR",
    "sex": "VARCHAR",
    "authority": "VARCHAR",
    "identifier": "VARCHAR",
    "member": "VARCHAR",
    "telephone": "VARCHAR",
    "street": "VARCHAR",
    "place": "VARCHAR",
    "mail": "VARCHAR",
}


def likeness(column: str) -> tuple[str, str]:
    """Conditions of `close` and `fuzzy`."""
    here, there = f"{column}_l", f"{column}_r"
    alike = f"jaro_winkler_similarity({here}, {there})"
    near = f"(least(length({here}), length({there})) >= 4 and damerau_levenshtein({here}, {there}) <= 1)"
    return f"({near} or {alike} >= 0.93)", f"({alike} >= 0.86)"


def null(*columns: str) -> str:
    """Either record lacks it."""
    return " or ".join(f"{column}_{side} is null" for column in columns for side in "lr")


def model(weights: Weights) -> dict[str, Any]:
    """Our levels in SQL, with our m and u: field -> [(level, condition)], in the order in which they are asked."""
    close, fuzzy = likeness("family")
    near, far = likeness("given")
    middle_near, middle_far = likeness("middle")
    lone = "(length(given_l) = 1 or length(given_r) = 1)"
    first = "given_l[1] = given_r[1]"
    nick = "list_contains(nicks_l, given_r)"
    given_alike = f"(given_l = given_r or {nick} or ({lone} and {first}) or (not {lone} and ({near} or {far})))"
    family_alike = f"(replace(family_l, ' ', '') = replace(family_r, ' ', '') or {close} or {fuzzy})"
    halves = "string_split(family_l, ' '), string_split(family_r, ' ')"
    part = (
        f"((family_l like '% %' or family_r like '% %') and len(list_filter(list_intersect({halves}), lambda w: length(w) > 2)) > 0"
        " and (list_has_all(string_split(family_l, ' '), string_split(family_r, ' '))"
        " or list_has_all(string_split(family_r, ' '), string_split(family_l, ' '))))"
    )
    crossed = "(family_l = given_r and given_l = family_r)"
    days = "abs(date_diff('day', try_cast(birth_l as date), try_cast(birth_r as date))) = 1"
    pieces = [f"birth_l[{span}] = birth_r[{span}]" for span in ("1:4", "6:7", "9:10")]
    lone_middle = "(length(middle_l) = 1 or length(middle_r) = 1)"
    alike_middle = f"middle_l = middle_r or list_contains(middle_nicks_l, middle_r) or {middle_near} or {middle_far}"
    levels: dict[str, tuple[str, list[tuple[str, str]]]] = {
        "family": (
            null("family"),
            [
                ("exact", "replace(family_l, ' ', '') = replace(family_r, ' ', '')"),
                ("part", part),
                ("close", close),
                ("fuzzy", fuzzy),
                ("part", f"{crossed} and not {given_alike}"),
            ],
        ),
        "given": (
            null("given"),
            [
                ("exact", "given_l = given_r"),
                ("nickname", nick),
                ("initial", f"{lone} and {first}"),
                ("initial", f"{crossed} and not {given_alike} and not {family_alike} and not {part}"),
                ("other", lone),
                ("close", near),
                ("fuzzy", far),
            ],
        ),
        "middle": (
            null("middle"),
            [("same", f"case when {lone_middle} then middle_l[1] = middle_r[1] else ({alike_middle}) end")],
        ),
        "suffix": (null("suffix"), [("same", "suffix_l = suffix_r")]),
        "birth": (
            null("birth"),
            [
                ("exact", "birth_l = birth_r"),
                ("swapped", f"{pieces[0]} and birth_l[6:7] = birth_r[9:10] and birth_l[9:10] = birth_r[6:7]"),
                ("digit", f"damerau_levenshtein(birth_l, birth_r) <= 1 or coalesce({days}, false)"),
                ("parts", " + ".join(f"cast({piece} as int)" for piece in pieces) + " = 2"),
            ],
        ),
        "sex": (null("sex"), [("same", "sex_l = sex_r")]),
        "identifier": (
            null("identifier") + " or authority_l != authority_r",
            [
                ("same", "identifier_l = identifier_r"),
                ("close", "length(identifier_l) > 5 and damerau_levenshtein(identifier_l, identifier_r) <= 1"),
            ],
        ),
        "member": (null("member"), [("same", "member_l = member_r")]),
        "telephone": (
            null("telephone"),
            [
                ("same", "telephone_l = telephone_r"),
                ("close", "length(telephone_l) = 10 and length(telephone_r) = 10 and damerau_levenshtein(telephone_l, telephone_r) <= 1"),
            ],
        ),
        "address": (
            null("street"),
            [
                ("same", "street_l = street_r and place_l = place_r"),
                (
                    "street",
                    "street_l = street_r or (split_part(street_l, ' ', 1) = split_part(street_r, ' ', 1)"
                    " and damerau_levenshtein(street_l, street_r) <= 2)",
                ),
                ("place", "place_l != '' and place_l = place_r"),
            ],
        ),
        "mail": (null("mail"), [("same", "mail_l = mail_r")]),
    }
    return {field: (absent, asked) for field, (absent, asked) in levels.items()}


def settings(weights: Weights, prior: float) -> dict[str, Any]:
    """The model as Splink reads it."""
    comparisons = []
    for field, (absent, asked) in model(weights).items():
        made: list[dict[str, Any]] = [{"sql_condition": absent, "label_for_charts": "absent", "is_null_level": True}]
        for level, condition in [*asked, ("other", "ELSE")]:
            m, u = (
                weights.agreement[field]
                if level == "exact" and field in weights.agreement
                else (2 ** weights.bits[field][level] / 2**10, 2**-10)
            )
            made.append({"sql_condition": condition, "label_for_charts": level, "m_probability": m, "u_probability": u})
            if level == "exact" and field in weights.agreement:
                made[-1] |= {"tf_adjustment_column": field, "tf_adjustment_weight": 1.0, "disable_tf_exact_match_detection": True}
        comparisons.append({"output_column_name": f"c_{field}", "comparison_levels": made})
    odds = 2.0**prior
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": odds / (1 + odds),
        "blocking_rules_to_generate_predictions": ["l.pair = r.pair"],
        "comparisons": comparisons,
        "retain_intermediate_calculation_columns": False,
        "retain_matching_columns": False,
    }


def febrl(folder: Path) -> list[Features]:
    """The persons of FEBRL 3 and 4, where they are."""
    found = []
    for name in ("dataset3.csv", "dataset4a.csv", "dataset4b.csv"):
        path = folder / "febrl" / name
        if not path.is_file():
            continue
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, skipinitialspace=True):
                born = row["date_of_birth"]
                home = words.address(f"{row['street_number']} {row['address_1']}", row["postcode"])
                one = Name(words.name(row["surname"]), words.name(row["given_name"]), "", "")
                found.append(
                    Features(
                        (one,) if one.family or one.given else (),
                        words.birth(f"{born[:4]}-{born[4:6]}-{born[6:]}") if len(born) == 8 else "",
                        "",
                        (f"urn:ssn|{row['soc_sec_id']}",),
                        (),
                        (),
                        (home,) if home else (),
                        (),
                        0,
                        False,
                    )
                )
    return found


def made(count: int, seed: int = 17) -> list[Features]:
    """Persons of our own, three records in four another telling of somebody before."""
    rng = random.Random(seed)
    families = [row["value"].upper() for row in _names("surname")]
    givens = [row["value"].upper() for row in _names("female") + _names("male")] + sorted(words.nicknames())
    found: list[Features] = []
    for number in range(count):
        if found and rng.random() < 0.75:
            found.append(retold(rng.choice(found), rng, families, givens))
            continue
        family = rng.choice(families) + (f" {rng.choice(families)}" if rng.random() < 0.1 else "")
        born = f"{rng.randrange(1930, 2006)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
        middle = rng.choice(["", "", rng.choice(givens), "J"])
        name = Name(family, rng.choice(givens), middle, rng.choice(["", "", "JR", "SR", "III"]))
        home = words.address(f"{rng.randrange(1, 400)} {rng.choice(families)} St", f"{rng.randrange(60000, 60050)}")
        mails = (f"m{number}@example.org",) if rng.random() < 0.4 else ()
        numbers = (f"urn:{rng.choice('ab')}|{rng.randrange(10**7)}",) if rng.random() < 0.7 else ()
        members = (f"urn:payer|{rng.randrange(10**6)}",) if rng.random() < 0.5 else ()
        phone = f"{rng.randrange(200, 999)}555{rng.randrange(10_000):04d}"
        found.append(Features((name,), born, rng.choice(["female", "male", ""]), numbers, members, (phone,), (home,), mails, 0, False))
    return found


def _names(kind: str) -> list[dict[str, str]]:
    rows = csv.DictReader(text("trivet.testing.hospital", "tables", "names.csv").splitlines())
    return [row for row in rows if row["kind"] == kind]


def slip(value: str, rng: random.Random) -> str:
    """A letter changed, lost, doubled or exchanged with the next."""
    if len(value) < 3:
        return value
    place = rng.randrange(len(value) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        letter = rng.choice("0123456789" if value[place].isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        return value[:place] + letter + value[place + 1 :]
    if kind == 1:
        return value[:place] + value[place + 1 :]
    return value[:place] + (value[place] * 2 if kind == 2 else value[place + 1] + value[place]) + value[place + (1 if kind == 2 else 2) :]


def retold(old: Features, rng: random.Random, families: list[str], givens: list[str]) -> Features:
    """Somebody as another system tells it."""
    name = old.names[0]
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        kind = rng.randrange(12)
        if kind == 0:
            name = name._replace(family=words.plain(slip(name.family, rng)) or name.family)
        elif kind == 1:
            name = name._replace(given=words.plain(slip(name.given, rng)) or name.given)
        elif kind == 2 and words.nicknames().get(name.given):
            name = name._replace(given=rng.choice(sorted(words.nicknames()[name.given])))
        elif kind == 3:
            name = name._replace(given=name.given[:1], middle=rng.choice(givens))
        elif kind == 4:
            name = name._replace(family=name.given, given=name.family)
        elif kind == 5:
            name = name._replace(family=name.family.split(" ")[0] if " " in name.family else f"{name.family} {rng.choice(families)}")
        elif kind == 6 and old.birth:
            year, month, day = old.birth.split("-")
            told = [
                f"{year}-{day}-{month}",
                f"{int(year) + 1}-{month}-{day}",
                f"{year}-{month}-{int(day) % 28 + 1:02d}",
                f"{year}-0{rng.randrange(1, 10)}-{day}",
            ]
            old = old._replace(birth=rng.choice(told))
        elif kind == 7 and old.telephones:
            old = old._replace(telephones=(slip(old.telephones[0], rng),))
        elif kind == 8 and old.addresses:
            street, _, place = old.addresses[0].partition("|")
            old = old._replace(addresses=(f"{slip(street, rng)}|{rng.choice([place, '60601', ''])}",))
        elif kind == 9 and old.persons:
            system, _, value = old.persons[0].partition("|")
            old = old._replace(persons=(f"{system}|{slip(value, rng)}",))
        elif kind == 10:
            name = name._replace(family=name.family.replace(" ", "")) if " " in name.family else name._replace(middle=name.middle[:1])
        else:
            old = old._replace(sex=rng.choice(["female", "male"]), mails=(), members=())
    return old._replace(names=(name,))


def pairs_of(people: list[Features], count: int, rng: random.Random) -> list[tuple[Features, Features]]:
    """Three in four that share a key, the rest by chance."""
    blocks: dict[int, list[int]] = {}
    for number, known in enumerate(people):
        for key in keys(known):
            blocks.setdefault(key, []).append(number)
    near = sorted({(one, other) for held in blocks.values() for one in held[:20] for other in held[:20] if one < other})
    chosen = rng.sample(near, min(len(near), count * 3 // 4))
    while len(chosen) < count:
        one, other = rng.randrange(len(people)), rng.randrange(len(people))
        if one != other:
            chosen.append((min(one, other), max(one, other)))
    return [(people[one], people[other]) for one, other in chosen]


def row(known: Features, number: int) -> dict[str, Any]:
    """A record as Splink's table holds it; absent is null."""
    name = known.names[0] if known.names else Name("", "", "", "")
    authority, _, identifier = known.persons[0].rpartition("|") if known.persons else ("", "", "")
    street, _, place = known.addresses[0].partition("|") if known.addresses else ("", "", "")
    nicks = words.nicknames()
    held = {
        "unique_id": number,
        "pair": number // 2,
        **name._asdict(),
        "nicks": sorted(nicks.get(name.given, ())),
        "middle_nicks": sorted(nicks.get(name.middle, ())),
        "birth": known.birth,
        "sex": known.sex,
        "authority": authority,
        "identifier": identifier,
        "member": known.members[0] if known.members else "",
        "telephone": known.telephones[0] if known.telephones else "",
        "street": street,
        "place": place,
        "mail": known.mails[0] if known.mails else "",
    }
    return {field: value if value not in ("",) or (field == "place" and street) else None for field, value in held.items()}


def parity(peer: str, count: int, tables: Path | None) -> dict[str, Any]:
    """Both scorers over the same pairs: how many, greatest difference in bits, the pair where it is greatest (nobody real)."""
    weights = replace(shipped(), contact=1e9)
    real = febrl(tables) if tables else []
    rng = random.Random(23)
    people = [made(6000), real] if real else [made(6000)]
    pairs = [pair for held in people for pair in pairs_of(held, count // len(people), rng)]
    names = Counter((field, term) for one, other in pairs for known in (one, other) for field, term in _terms(known))
    total = 2 * len(pairs)
    prior = weights.prior(total)

    def terms(field: str, term: str) -> tuple[int, int]:
        return names[field, term], total

    ours = [compare(one, other, weights, terms) for one, other in pairs]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "columns.json").write_text(json.dumps(COLUMNS))
        (folder / "settings.json").write_text(json.dumps(settings(weights, prior)))
        rows = (json.dumps(row(known, 2 * number + side)) for number, pair in enumerate(pairs) for side, known in enumerate(pair))
        (folder / "records.ndjson").write_text("\n".join(rows) + "\n")
        for field in weights.agreement:
            u = weights.agreement[field][1]
            shares = [
                (term, (times + u * weights.term_weight) / (total + weights.term_weight))
                for (of, term), times in names.items()
                if of == field
            ]
            lines = [f"{field},tf_{field}", *(f'"{term}",{share!r}' for term, share in shares)]
            (folder / f"tf_{field}.csv").write_text("\n".join(lines) + "\n")
        done = subprocess.run([peer, str(SIDE), str(folder)], capture_output=True, text=True, check=False)
        if done.returncode:
            return {"missing": f"the peer failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}"}
        with (folder / "weights.csv").open(newline="") as file:
            theirs = {int(line["pair"]): float(line["match_weight"]) for line in csv.DictReader(file)}
    apart = [abs(prior + said.score - theirs[number]) for number, said in enumerate(ours)]
    worst = max(range(len(apart)), key=apart.__getitem__)
    seen = Counter(f"{field} {level}" for said in ours for field, level in said.levels.items())
    return {
        "pairs": len(pairs),
        "of_febrl": len(pairs) // 2 if real else 0,
        "max_difference_bits": max(apart),
        "over_0.01_bit": sum(one > 0.01 for one in apart),
        "worst": [dict(ours[worst].levels), pairs[worst]] if apart[worst] > 1e-9 else [],
        "levels_met": len(seen),
        "levels_of": sum(len(levels) for levels in weights.bits.values()),
        "never_met": sorted({f"{field} {level}" for field, levels in weights.bits.items() for level in levels} - set(seen)),
    }


def _terms(known: Features) -> set[tuple[str, str]]:
    return {(field, getattr(name, field)) for name in known.names for field in ("family", "given") if getattr(name, field)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--peer", default=os.environ.get("TRIVET_PEER_SPLINK", "peers/bin/python"))
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--tables", type=Path, default=Path(os.environ.get("TRIVET_CORPORA", "")) / "record-linkage")
    given = parser.parse_args()
    if not Path(given.peer).is_file():
        print(f"Splink is not here: no {given.peer}; the head of this file says how to make it")
        return 1
    said = parity(given.peer, given.pairs, given.tables if given.tables.is_dir() else None)
    print(json.dumps(said, indent=1))
    return 0 if "missing" not in said and said["max_difference_bits"] <= 0.01 else 1


if __name__ == "__main__":
    sys.exit(main())
