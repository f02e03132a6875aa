-- data key and commitment salt of a blob, wrapped with a holder's key: nonce (12) + 64 bytes + tag (16)
create table if not exists blob_key (
  blob integer not null references blob (id),
  holder_key integer not null references holder_key (id),
  wrap blob not null,
  primary key (blob, holder_key)
) strict, without rowid
