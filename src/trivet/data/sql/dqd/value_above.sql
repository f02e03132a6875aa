SELECT {show} FROM {table} AS t WHERE {as_compared} > {value}
