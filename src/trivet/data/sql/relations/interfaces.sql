-- columns: interface varchar, id varchar, kind varchar, origin varchar, engine varchar, version varchar, enabled boolean, described boolean, modified varchar, sources bigint, destinations bigint, rules bigint, steps bigint, scripts bigint, lines bigint, findings bigint, needs varchar, imported_at varchar, seq bigint, ordinal bigint
-- interfaces that an engine's export describes, each as its newest import up to the position says
with newest as (
  select *, row_number() over (partition by kind, case when id = '' then name else id end order by seq desc, ordinal) as nth
  from interface where seq <= :as_of
),
part as (
  select seq, interface, sum(role = 'source') as sources, sum(role = 'destination') as destinations, sum(role = 'filter') as rules,
    sum(role in ('transformer', 'response')) as steps, sum(role = 'script') as scripts, sum(lines) as lines
  from interface_part group by seq, interface
),
finding as (select seq, interface, count(*) as findings from interface_finding group by seq, interface)
select newest.name, newest.id, newest.kind, 'export', newest.engine, newest.version, newest.enabled, newest.described, newest.modified,
  coalesce(part.sources, 0), coalesce(part.destinations, 0), coalesce(part.rules, 0), coalesce(part.steps, 0), coalesce(part.scripts, 0),
  coalesce(part.lines, 0), coalesce(finding.findings, 0), newest.needs, interface_export.at, newest.seq, newest.ordinal
from newest
join interface_export on interface_export.seq = newest.seq
left join part on part.seq = newest.seq and part.interface = newest.ordinal
left join finding on finding.seq = newest.seq and finding.interface = newest.ordinal
where newest.nth = 1
order by newest.kind, newest.name, newest.seq, newest.ordinal
