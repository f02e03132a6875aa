SELECT {counts} FROM raw
