-- what is compared of each Patient record, and the person it stands with now; `digest` is of the record's demographic part
create table if not exists identity_record (
  id integer primary key,
  subject text not null unique,
  source text not null,
  person text not null,
  digest blob not null,
  features text not null,
  first_seq integer not null,
  last_seq integer not null
) strict
