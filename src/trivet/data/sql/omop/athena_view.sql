CREATE VIEW "{name}" AS FROM read_parquet({file})
