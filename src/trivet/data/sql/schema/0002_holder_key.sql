-- which key a holder's blobs are wrapped with; the key itself stands in the key store, never here
create table if not exists holder_key (
  id integer primary key,
  holder text not null,
  key_id text not null unique,
  destroyed integer not null default 0 check (destroyed in (0, 1))
) strict
