CREATE TABLE "{name}" AS SELECT {columns} FROM {source}
