"""Quality checks: in, what stands on the shelf at a position; out, verdicts with the rows behind them. Refused: nothing is repaired here.

A check is one row of `maps/quality/checks.csv` and one file of `sql/checks`: a query with a row for everything it speaks of
(`record`, `person`, `known_seq`, `breaks`, `why`). What the checks need is read from the published views once for all of them
(`sql/checks/tables`). Thresholds are applied after measuring: `judge` applies another one (`site/checks.csv`) to the newest run's counts.
A check that cannot run is an `error`, one with nothing to speak of `not-applicable`, one whose structure failed `not-run` (`checklist.py`):
none is a `pass`. A run is a ledger entry `check.run`, whose content in the vault makes the tables again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from trivet.contracts.ports import Clock, Ledger, Store, Tx, Vault
from trivet.contracts.trace import Entry
from trivet.contracts.verdict import CheckVerdict
from trivet.data.checklist import STAGES, Check, Measured, failed_structure, judged, rows_of, shipped_checks, site_checks
from trivet.data.counting import HERE, Counted, Counting, Engine
from trivet.data.drift import settings
from trivet.data.units import BadUnit, convert_of
from trivet.kernel import jsontext
from trivet.kernel.errors import Fault, NotFound
from trivet.kernel.resources import text

if TYPE_CHECKING:
    import pyarrow

__all__ = ["TABLES", "Check", "ShelfChecks", "shipped_checks"]

TABLES = {"check_run": "seq", "check_outcome": "run, check_id", "check_row": "run, check_id, ordinal"}
SEEN = ("observation", "patient", "person", "record", "encounter", "bed", "claim", "answer", "payment", "message")
Lives = Callable[[], tuple[Sequence[Sequence[Any]], Sequence[Sequence[Any]]]]
MANY = 1_000_000  # rows of one check that are told at most
KEPT = 100  # rows of a failing check that are kept with its verdict; `rows` gives all of them


class Bench(Protocol):
    """What gives an engine with relations in place."""

    def prepared(self, names: Sequence[str], as_of: int | None) -> Engine: ...


class ShelfChecks:
    """`contracts.ports.Checks` over the shelf of a home."""

    def __init__(
        self, store: Store, vault: Vault, ledger: Ledger, bench: Bench, clock: Clock, site: Path, lives: Lives | None = None
    ) -> None:
        self._store, self._vault, self._ledger, self._bench, self._clock, self._site, self._lives = (
            store,
            vault,
            ledger,
            bench,
            clock,
            site,
            lives,
        )

    def checks(self) -> tuple[Check, ...]:
        """The checks in force, with the site's thresholds."""
        return site_checks(self._site)

    def run(self, as_of: int | None = None, by: Counting = HERE) -> list[CheckVerdict]:
        """Run the checks, structure first, and write the run down. What rests on a structure that fails is not measured."""
        return self.run_and_open((), as_of, by)[0]

    def run_and_open(
        self, names: Collection[str], as_of: int | None = None, by: Counting = HERE, limit: int = MANY
    ) -> tuple[list[CheckVerdict], dict[str, list[dict[str, Any]]]]:
        """`run`, and of some checks all the rows that `opened` gives, out of tables that are prepared once for both."""
        checks, known = self.checks(), self._known(names)
        engine = self._prepare(as_of)
        found, opened = dict[str, Measured](), dict[str, Counted]()
        try:
            for first in (True, False):
                failed = failed_structure(list(found.values()))
                these = [check for check in checks if (check.stage == STAGES[0]) is first]
                running = [check for check in these if not check.held_by(failed)]
                counted = by.counted(engine, [check for check in running if check.check not in known], KEPT)
                opened |= by.counted(engine, [check for check in running if check.check in known], limit) if known else {}
                found |= {check.check: _measured(check, (counted | opened).get(check.check)) for check in these}
            if unmeasured := [check for name, check in known.items() if name not in opened]:
                opened |= by.counted(engine, unmeasured, limit)
        finally:
            self._forget(engine)
        return self._write(as_of, [found[check.check] for check in checks]), _all_rows(names, opened)

    def judge(self) -> list[CheckVerdict]:
        """The thresholds in force over the counts of the newest run, measured again nowhere, written down. NotFound before any run."""
        entries = list(self._ledger.find("check.run"))
        if not entries:
            raise NotFound("E291", "no run of the checks to judge", help="trivet check")
        run = jsontext.loads(self._vault.get(entries[-1][1]["notes"]["blob"]))
        counted = {one["check"]: one for one in run["checks"]}
        found = []
        for check in self.checks():
            one = counted.get(check.check, {"measured": False, "failing": 0, "total": 0, "rows": [], "verdict": ""})
            total = one["total"] if one.get("measured", True) else None
            rows = tuple((key, seq, why) for key, seq, why in one["rows"])
            found.append(Measured(check, one["failing"], total, one.get("short", 0), rows, one["verdict"] == "error"))
        return self._write(run["as_of"], found)

    def rows(self, name: str, as_of: int | None = None, limit: int = MANY, by: Counting = HERE) -> list[dict[str, Any]]:
        """All rows that break one check: `record`, `person`, `known_seq` (the receipt), `why`. NotFound for an unknown check."""
        return self.opened([name], as_of, limit, by)[name]

    def opened(
        self, names: Sequence[str], as_of: int | None = None, limit: int = MANY, by: Counting = HERE
    ) -> dict[str, list[dict[str, Any]]]:
        """The same for several checks at once. Fault for a check that cannot run."""
        known = self._known(names)
        engine = self._prepare(as_of)
        try:
            counted = by.counted(engine, [known[name] for name in names], limit)
        finally:
            self._forget(engine)
        return _all_rows(names, counted)

    def replay(self, tx: Tx, seq: int, entry: Mapping[str, Any]) -> None:
        """The rows of a `check.run` entry, again."""
        write(tx, seq, self._vault.get(entry["notes"]["blob"]))

    def _known(self, names: Iterable[str]) -> dict[str, Check]:
        """The checks of these names."""
        known = {check.check: check for check in self.checks()}
        for name in names:
            if name not in known:
                raise NotFound("E291", f"no check named {name}", help="trivet check --list")
        return {name: known[name] for name in names}

    def _prepare(self, as_of: int | None) -> Engine:
        """An engine with the tables that the checks read."""
        texts = {name: text("trivet.data", "sql", "checks", "tables", f"seen_{name}.sql") for name in SEEN}
        words = " ".join([*texts.values(), *(check.sql for check in self.checks())])
        engine = self._bench.prepared([words], as_of)
        for name, table in (tables(self._clock.now()) | lives_of(self._lives() if self._lives else ((), ()))).items():
            engine.put(name, table)
        for sql in (texts["record"], *(texts[name] for name in SEEN if name != "record")):
            engine.run(sql)
        return engine

    def _forget(self, engine: Engine) -> None:
        for name in SEEN:
            engine.run(text("trivet.data", "sql", "statements", "check_forget.sql").format(table=f"seen_{name}"))

    def _write(self, as_of: int | None, measured: Sequence[Measured]) -> list[CheckVerdict]:
        at = self._clock.now()
        verdicts = judged(measured)
        run = {"at": at, "as_of": as_of, "checks": [_said(one, verdict, why) for one, verdict, why in verdicts]}
        said = jsontext.dumps(run)
        count = Counter(verdict for _, verdict, _ in verdicts)

        def work(tx: Tx) -> None:
            blob = self._vault.put(tx, said, holder="house", kind="check.run")
            notes = {
                "checks": str(len(measured)),
                "failed": str(count["fail"] + count["error"]),
                "not_run": str(count["not-run"]),
                "blob": blob,
            }
            entry = Entry("check.run", at, commitments={"run": self._vault.commit(blob)}, notes=notes)
            write(tx, self._ledger.append(tx, [entry])[0].seq, said)

        self._store.write(work)
        return [_verdict(one, verdict, why) for one, verdict, why in verdicts]


def _measured(check: Check, counted: Counted | None) -> Measured:
    """What was counted, as it is judged and kept; None was not measured."""
    if counted is None:
        return Measured(check)
    if counted.broken:
        return Measured(check, broken=True)
    rows = tuple((row.record, row.known_seq, row.why or "") for row in counted.rows[:KEPT])
    return Measured(check, counted.failing, counted.total, counted.short, rows)


def _all_rows(names: Iterable[str], counted: Mapping[str, Counted]) -> dict[str, list[dict[str, Any]]]:
    """The rows of these checks. Fault for one that broke."""
    broken = [name for name in names if counted[name].broken]
    if broken:
        raise Fault("E331", "the query broke while running", where=", ".join(broken), help="trivet doctor")
    return {name: [row._asdict() for row in counted[name].rows] for name in names}


def _verdict(one: Measured, verdict: str, why: str) -> CheckVerdict:
    check = one.check
    keys = () if verdict == "not-run" else tuple(row[0] for row in one.rows)
    failing, total = (0, 0) if verdict == "not-run" else (one.failing, one.total or 0)
    return CheckVerdict(check.check, check.table, failing, total, check.threshold, verdict, keys, check.severity, check.stage, why)


def _said(one: Measured, verdict: str, why: str) -> dict[str, Any]:
    """One check of a run as it is kept: the counts, whatever the verdict, so that another threshold can judge them."""
    check = one.check
    return {
        "check": check.check,
        "stage": check.stage,
        "table": check.table,
        "failing": one.failing,
        "total": one.total or 0,
        "measured": one.total is not None,
        "short": one.short,
        "threshold": str(check.threshold),
        "verdict": verdict,
        "said": why,
        "severity": check.severity,
        "owner": check.owner,
        "why": check.why,
        "rows": [list(row) for row in one.rows],
    }


def write(tx: Tx, seq: int, said: bytes) -> None:
    """The rows of one run."""
    run = jsontext.loads(said)
    checks = run["checks"]
    failed = sum(check["verdict"] in ("fail", "error") for check in checks)
    tx.execute(_sql("check_run_add"), (seq, run["at"], run["as_of"], len(checks), failed))
    for check in checks:
        shown = check["verdict"] != "not-run"
        counts = (check["failing"], check["total"]) if shown else (0, 0)
        judged_as = (float(check["threshold"]), check["verdict"], check.get("said", ""), check["severity"], check["owner"], check["why"])
        tx.execute(_sql("check_outcome_add"), (seq, check["check"], check.get("stage", ""), check["table"], *counts, *judged_as))
        rows = [(seq, check["check"], ordinal, *row) for ordinal, row in enumerate(check["rows"] if shown else ())]
        tx.executemany(_sql("check_row_add"), rows)


def unwrite(tx: Tx, seq: int) -> None:
    """Take the rows of one run away, so that it can be written again."""
    for name in ("check_row_forget", "check_outcome_forget", "check_run_forget"):
        tx.execute(_sql(name), (seq,))


def lives_of(known: tuple[Sequence[Sequence[Any]], Sequence[Sequence[Any]]]) -> dict[str, pyarrow.Table]:
    """Loaded code systems (system, version), and their codes that are not in force for ever (system, code, active, since, until)."""
    import pyarrow

    word, flag = pyarrow.string(), pyarrow.bool_()
    shapes = {
        "loaded_system": pyarrow.schema([("system", word), ("version", word)]),
        "code_life": pyarrow.schema([("system", word), ("code", word), ("active", flag), ("since", word), ("until", word)]),
    }
    return {
        name: pyarrow.Table.from_pylist([dict(zip(shape.names, row, strict=True)) for row in rows], schema=shape)
        for (name, shape), rows in zip(shapes.items(), known, strict=True)
    }


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


def tables(now: str) -> dict[str, pyarrow.Table]:
    """The approved tables that checks join with, as relations; `today` holds the clock's now."""
    import pyarrow

    plausible = [
        {
            name: row[name] if name in ("loinc", "unit") else float(row[name])
            for name in ("loinc", "unit", "low", "high", "usual_low", "usual_high")
        }
        for row in rows_of("quality", "plausible.csv")
    ]
    moment = now.rstrip("Z").replace("T", " ")
    return {
        "plausible": pyarrow.Table.from_pylist(plausible),
        "other_unit": pyarrow.Table.from_pylist(other_units()),
        "unitless": pyarrow.Table.from_pylist([{"loinc": row["loinc"]} for row in rows_of("units", "unitless.csv")]),
        "placeholder": pyarrow.Table.from_pylist(rows_of("identity", "placeholders.csv")),
        "drift": pyarrow.Table.from_pylist(settings()),
        "today": pyarrow.table({"now_text": [moment]}),
    }


@cache
def other_units() -> list[dict[str, Any]]:
    """For each test the units it might have been measured in by mistake: canonical value = number * factor + add."""
    found = []
    for row in rows_of("quality", "plausible.csv"):
        for mistaken in rows_of("quality", "mistaken_units.csv"):
            unit = mistaken["unit"]
            if not row["unit"] or unit == row["unit"]:
                continue
            try:
                add = convert_of(row["loinc"], 0, unit, row["unit"])
                factor = convert_of(row["loinc"], 1, unit, row["unit"]) - add
            except (BadUnit, ValueError):
                continue
            if factor != 1 or add != 0:
                found.append({"loinc": row["loinc"], "other_unit": unit, "factor": float(factor), "add": float(add)})
    return found
