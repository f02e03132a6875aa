COPY (SELECT {columns} FROM "{table}" ORDER BY {order}) TO {file} (FORMAT parquet, COMPRESSION zstd)
