-- columns: interface varchar, kind varchar, finding varchar, about varchar, detail varchar, place varchar, line bigint, imported_at varchar, seq bigint
-- what is to be put right at interfaces that an export describes, as the newest import of each says
with newest as (
  select *, row_number() over (partition by kind, case when id = '' then name else id end order by seq desc, ordinal) as nth
  from interface where seq <= :as_of
)
select newest.name, newest.kind, finding.kind, finding.about, finding.detail, finding.place, finding.line, interface_export.at, finding.seq
from interface_finding as finding
join newest on newest.seq = finding.seq and newest.ordinal = finding.interface
join interface_export on interface_export.seq = finding.seq
where newest.nth = 1
order by finding.seq, finding.interface, finding.ordinal
