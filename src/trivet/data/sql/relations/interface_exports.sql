-- columns: seq bigint, imported_at varchar, state varchar, code varchar, reason varchar, place varchar, byte_at bigint, bytes bigint, interfaces bigint
-- exports of interface engines that were read, and those that are quarantined with the place that could not be read
select seq, at, state, code, reason, place, byte_at, bytes, interfaces from interface_export where seq <= :as_of order by seq
