INSERT INTO "{table}" ({columns}) SELECT {columns} FROM read_parquet({file})
