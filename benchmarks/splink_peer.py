"""The other side of `splink_parity.py`: runs in the peer's environment, imports nothing of ours.

    python splink_peer.py FOLDER

FOLDER holds `settings.json` (a Splink model), `records.ndjson` (rows 2n and 2n+1 are the pair n) and `tf_COLUMN.csv`;
`weights.csv` is written.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import duckdb
from splink import DuckDBAPI, Linker

logging.getLogger("splink").setLevel(logging.ERROR)


def main(folder: Path) -> None:
    connection = duckdb.connect()
    api = DuckDBAPI(connection=connection)
    columns = json.loads((folder / "columns.json").read_text())
    listed = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    connection.execute(
        f"create table records as select * from read_json('{folder / 'records.ndjson'}', format='newline_delimited', columns={{{listed}}})"
    )
    linker = Linker(api.register("records"), json.loads((folder / "settings.json").read_text()))
    for path in sorted(folder.glob("tf_*.csv")):
        name = path.stem.removeprefix("tf_")
        kinds = f"{{'{name}': 'VARCHAR', 'tf_{name}': 'DOUBLE'}}"
        connection.execute(f"create table freq_{name} as select * from read_csv('{path}', header=true, columns={kinds})")
        linker.table_management.register_term_frequency_lookup(api.register(f"freq_{name}"), name)
    scored = linker.inference.predict(warning_mode="never")
    out = folder / "weights.csv"
    connection.execute(f"copy (select unique_id_l // 2 as pair, match_weight from {scored.physical_name} order by 1) to '{out}' (header)")


main(Path(sys.argv[1]))
