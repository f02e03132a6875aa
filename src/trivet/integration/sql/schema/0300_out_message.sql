-- what must leave the house because of a decision; written with the decision's ledger entry (`seq`). No value of a person stands here:
-- the message's bytes are the blob, made before the first attempt and the same ever after
create table if not exists out_message (
  destination text not null,
  number integer not null,
  key text not null unique,
  seq integer not null,
  decision_id text not null,
  event text not null check (event in ('issued', 'corrected', 'withheld')),
  use text not null,
  model text not null,
  status text not null,
  thread text not null,
  earlier text not null,
  at text not null,
  state text not null default 'waiting'
    check (state in ('waiting', 'sending', 'delivered', 'dead', 'held', 'superseded')),
  attempts integer not null default 0,
  reason text not null default '',
  blob text not null default '',
  sent_seq integer not null default -1,
  done_at text not null default '',
  primary key (destination, number)
) strict
