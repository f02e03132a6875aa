-- every attempt, and what came of it; `sent_seq` and `end_seq` are the ledger positions of the two entries
create table if not exists out_attempt (
  destination text not null,
  number integer not null,
  attempt integer not null,
  at text not null,
  sent_seq integer not null,
  ended_at text not null default '',
  result text not null default '',
  reason text not null default '',
  end_seq integer not null default -1,
  reply text not null default '',
  primary key (destination, number, attempt)
) strict
