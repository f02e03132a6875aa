"""Where OMOP rows go: Parquet files, a DuckDB file, a PostgreSQL schema. One way of speaking to all three.

`last` names the run that the target holds (empty when it holds none), `begin` opens a change, `clear` or `remove` takes rows away, `add`
brings rows, `commit` makes the whole change visible at once; `close` without it leaves the target as it was.
"""
