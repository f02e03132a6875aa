-- source elements counted by place (locator without indices) and fate; `first` is the first receipt to look at
create table if not exists coverage (
  source text not null,
  format text not null,
  locator text not null,
  disposition text not null,
  rule text not null,
  elements integer not null,
  receipts integer not null,
  first integer not null,
  primary key (source, format, locator, disposition, rule)
) strict, without rowid
