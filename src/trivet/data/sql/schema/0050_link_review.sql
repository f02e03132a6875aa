-- pairs that wait for a human; `mark` makes the same doubt one row; state is open, confirmed, rejected or closed
create table if not exists link_review (
  id integer primary key,
  mark text not null unique,
  kind text not null,
  seq integer not null,
  subject text not null,
  other text not null,
  rule text not null,
  score real,
  evidence text not null,
  state text not null check (state in ('open', 'confirmed', 'rejected', 'closed')),
  decided_seq integer
) strict
