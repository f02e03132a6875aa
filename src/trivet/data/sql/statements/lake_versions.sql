select * from published where known_seq <= {as_of} order by ordinal
