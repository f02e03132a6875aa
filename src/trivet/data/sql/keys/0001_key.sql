-- holder keys, each wrapped with the master key: nonce (12) + 32 bytes + tag (16)
create table if not exists key (
  key_id text primary key,
  wrap blob not null
) strict, without rowid
