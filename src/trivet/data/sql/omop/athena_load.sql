COPY (SELECT {columns} FROM read_csv({file}, {layout}) ORDER BY {order}) TO {target} (FORMAT parquet, COMPRESSION zstd)
