-- pairs of records that are of one person in truth, in the house, and in both
with true_size as (select count(*) as n from scored_true group by true_person),
said_size as (select count(*) as n from scored_true group by person),
both_size as (select count(*) as n from scored_true group by true_person, person)
select (select count(*) from scored_true), (select count(*) from true_size), (select count(*) from said_size),
  coalesce((select sum(n * (n - 1) // 2) from true_size), 0)::bigint, coalesce((select sum(n * (n - 1) // 2) from said_size), 0)::bigint,
  coalesce((select sum(n * (n - 1) // 2) from both_size), 0)::bigint
