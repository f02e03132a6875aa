-- a relation, each row with the part that it belongs to: rows of equal keys come together
SELECT {columns}, CAST(hash({keys}) % {parts} AS INTEGER) AS part FROM {relation}
