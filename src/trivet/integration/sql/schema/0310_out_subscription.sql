-- who subscribed to what. The resource itself, headers included, is a blob: headers can hold the subscriber's secrets
create table if not exists out_subscription (
  id text primary key,
  client text not null,
  topic text not null,
  event text not null,
  uses text not null,
  status text not null check (status in ('requested', 'active', 'error', 'off')),
  reason text not null,
  content text not null check (content in ('empty', 'id-only', 'full-resource')),
  heartbeat integer not null,
  timeout integer not null,
  ends_at text not null,
  made_at text not null,
  blob text not null
) strict
