-- exports that were read, newest first
select seq, imported_at, state, reason, place, byte_at, interfaces from interface_exports order by seq desc
