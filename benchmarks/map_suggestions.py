"""How often the meant code is among the suggestions: inclusion terms of ICD-10-CM as if they were local names, code titles to be found.

python benchmarks/map_suggestions.py [--terms 1500]
Needs `pip install 'trivet[icd10cm]'`. The peer in the same run is BM25 (SQLite FTS5, words joined by OR) over the same titles. Numbers of
others, measured once on another day over the same question: BM25 0.212 / 0.447 / 0.625, char 3-4-gram TF-IDF 0.235 / 0.468 / 0.651,
MiniLM int8 (ONNX) 0.278 / 0.542 / 0.704 (recall at 1, 5, 20), which is why nothing is accepted without a human.
"""

from __future__ import annotations

import argparse
import random
import re
import sqlite3
import sys
import time
from collections.abc import Callable

from trivet.data.vocabulary.items import Entry, Term
from trivet.data.vocabulary.ngrams import NgramIndex
from trivet.data.vocabulary.shipped import icd10cm
from trivet.kernel.errors import NotFound


def data(count: int) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Codes, their titles, and `count` inclusion terms with the code meant; codes of seven characters (encounters) left out."""
    codes, titles, terms = [], [], []
    for item in icd10cm():
        if isinstance(item, Entry) and not item.abstract and len(item.code.replace(".", "")) < 7:
            codes.append(item.code)
            titles.append(item.display)
        elif isinstance(item, Term):
            terms.append((item.code, item.text))
    known = set(codes)
    return codes, titles, random.Random(20260301).sample([term for term in terms if term[0] in known], count)


def words(titles: list[str]) -> Callable[[str], list[int]]:
    """BM25 over words."""
    db = sqlite3.connect(":memory:")
    db.execute("create virtual table t using fts5(title)")
    db.executemany("insert into t (rowid, title) values (?, ?)", enumerate(titles))

    def ask(name: str) -> list[int]:
        asked = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", name.lower()))
        return [row for (row,) in db.execute("select rowid from t where t match ? order by bm25(t) limit 20", (asked,))]

    return ask


def main() -> int:
    """Measure both, print recall and time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--terms", type=int, default=1500)
    count = parser.parse_args().terms
    try:
        codes, titles, terms = data(count)
    except NotFound as missing:
        print(f"{missing}: {missing.help}")
        return 1
    start = time.process_time()
    index = NgramIndex(titles)
    built = time.process_time() - start
    ways = {"BM25 (FTS5)": words(titles), "ours (3-4-gram TF-IDF)": lambda name: [place for place, _ in index.search(name, 20)]}
    print(f"{len(titles)} titles, {count} terms; our index is built in {built:.1f} s CPU")
    print(f"{'':24} {'r@1':>6} {'r@5':>6} {'r@20':>6} {'category r@1':>13} {'ms/question':>12}")
    for name, ask in ways.items():
        hits, start = [0, 0, 0, 0], time.process_time()
        for code, term in terms:
            found = [codes[place] for place in ask(term)]
            for at, depth in enumerate((1, 5, 20)):
                hits[at] += code in found[:depth]
            hits[3] += bool(found) and found[0][:3] == code[:3]
        took = 1000 * (time.process_time() - start) / count
        shares = " ".join(f"{hit / count:6.3f}" for hit in hits[:3])
        print(f"{name:24} {shares} {hits[3] / count:13.3f} {took:12.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
