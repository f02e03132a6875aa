-- spans of every record of a unit: compressed JSON, key -> [[path, offset, length, locator, rule], ...]
create table if not exists lineage (
  receipt integer primary key,
  spans blob not null
) strict
