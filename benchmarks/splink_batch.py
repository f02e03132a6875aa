"""The other side of `match_batch.py`: Splink trains on a table of persons, scores, clusters. Runs in the peer's environment.

python splink_batch.py PERSONS.csv CLUSTERS.csv
"""

from __future__ import annotations

import json
import logging
import sys
import time

import duckdb
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

logging.getLogger("splink").setLevel(logging.ERROR)
RULES = (("surname", "dob"), ("given_name", "dob"), ("phone",), ("given_name", "surname", "zip"), ("street", "zip"), ("surname", "street"))


def main(table: str, out: str) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    connection = duckdb.connect()
    connection.execute("set threads = 2")
    read = f"read_csv('{table}', header=true, all_varchar=true, nullstr='')"
    connection.execute(f"create table persons as select row_number() over () - 1 as unique_id, * exclude (person) from {read}")
    names = [
        cl.JaroWinklerAtThresholds(field, [0.92, 0.8]).configure(term_frequency_adjustments=True) for field in ("given_name", "surname")
    ]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            *names,
            cl.CustomComparison(
                output_column_name="dob",
                comparison_levels=[
                    cll.NullLevel("dob"),
                    cll.ExactMatchLevel("dob"),
                    cll.DamerauLevenshteinLevel("dob", 1),
                    cll.DamerauLevenshteinLevel("dob", 2),
                    cll.ElseLevel(),
                ],
            ),
            cl.ExactMatch("sex"),
            cl.JaroWinklerAtThresholds("street", [0.9, 0.78]).configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("zip", [1, 2]).configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("phone", [1, 2]).configure(term_frequency_adjustments=True),
        ],
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in RULES],
    )
    linker = Linker(DuckDBAPI(connection=connection).register("persons"), settings)
    linker.training.estimate_probability_two_random_records_match([block_on("surname", "dob"), block_on("phone")], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1_000_000)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("surname", "dob"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("phone"))
    trained = time.perf_counter() - began
    scored = linker.inference.predict(threshold_match_probability=0.05)
    groups = linker.clustering.cluster_pairwise_predictions_at_threshold(scored, threshold_match_probability=0.5)
    connection.execute(f"copy (select unique_id, cluster_id from {groups.physical_name} order by 1) to '{out}' (header)")
    said = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu, "training_seconds": trained}
    print(json.dumps(said))


main(*sys.argv[1:])
