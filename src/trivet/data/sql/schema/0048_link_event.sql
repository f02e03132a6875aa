-- append-only: first, linked, moved, merged, unmerged, separated, conflict; `evidence` is [[field, level, bits], ...], `moved` the subjects
create table if not exists link_event (
  id integer primary key,
  seq integer not null,
  kind text not null,
  subject text not null,
  person text not null,
  other text not null,
  rule text not null,
  grade text not null,
  score real,
  evidence text not null,
  moved text not null,
  actor text not null,
  at text not null,
  undoes integer
) strict
