-- every handing over of a unit, repeats included; `pieces` are [[offset, length], ...] of the origin, empty for a message of its own
create table if not exists delivery (
  seq integer not null,
  ordinal integer not null,
  receipt integer not null,
  origin text not null,
  received_at text not null,
  pieces text not null,
  repeated integer not null check (repeated in (0, 1)),
  primary key (seq, ordinal)
) strict, without rowid
