select * from published where known_seq <= ? order by ordinal
