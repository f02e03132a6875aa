-- pairs of records that are of one person in truth, in the house, and in both
with true_size as (select count(*) as n from scored_true group by true_person),
said_size as (select count(*) as n from scored_true group by person),
both_size as (select count(*) as n from scored_true group by true_person, person)
select (select count(*) from scored_true) as records, (select count(*) from true_size) as persons_true, (select count(*) from said_size) as persons_found,
  coalesce((select sum(n * (n - 1) // 2) from true_size), 0)::bigint as pairs_true,
  coalesce((select sum(n * (n - 1) // 2) from said_size), 0)::bigint as pairs_found,
  coalesce((select sum(n * (n - 1) // 2) from both_size), 0)::bigint as pairs_both
