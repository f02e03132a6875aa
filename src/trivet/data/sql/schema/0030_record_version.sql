-- append-only record versions; `known_seq` is the ledger position since which the version is known, `subject` is Patient/<id>
create table if not exists record_version (
  ordinal integer primary key,
  key text not null,
  type text not null,
  id text not null,
  version integer not null,
  subject text,
  valid_at text,
  known_seq integer not null,
  receipt integer not null,
  source text not null,
  deleted integer not null check (deleted in (0, 1)),
  digest blob not null,
  body text not null,
  check (subject <> ''),
  check (valid_at <> '')
) strict
