-- repairs that checks proposed and people decided; `found` and `decided` are ledger positions, `made` the version that an acceptance made
create table if not exists repair (
  id text primary key,
  found integer not null,
  kind text not null,
  check_id text not null,
  record text not null,
  version integer not null,
  subject text not null,
  edits text not null,
  evidence text not null,
  state text not null check (state in ('open', 'accepted', 'rejected', 'undone')),
  decided integer,
  made integer
) strict
