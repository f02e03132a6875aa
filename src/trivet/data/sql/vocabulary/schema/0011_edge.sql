-- Direct is-a only: ancestors and descendants are walked when they are asked for, so a release never waits for a closure.
create table if not exists edge (
  edition integer not null, child text not null, parent text not null, primary key (edition, child, parent)
) without rowid
