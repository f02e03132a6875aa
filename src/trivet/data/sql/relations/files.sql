-- columns: seq bigint, source varchar, origin varchar, bytes bigint, covered bigint, units bigint, repeats bigint, received_at varchar
-- files taken in whole
select seq, source, origin, bytes, covered, units, repeats, received_at from file where seq <= :as_of order by seq
