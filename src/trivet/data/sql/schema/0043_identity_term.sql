-- how many records bear a name: agreement on a rare one says more
create table if not exists identity_term (
  field text not null,
  term text not null,
  records integer not null,
  primary key (field, term)
) strict, without rowid
