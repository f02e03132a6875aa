-- what the home holds
select
  (select count(*) from messages) as receipts,
  (select count(*) from messages where state = 'quarantined') as quarantined,
  (select coalesce(sum(elements), 0)::bigint from coverage) as elements,
  (select coalesce(sum(elements), 0)::bigint from coverage where disposition = 'uncovered') as uncovered,
  (select count(*) from persons) as persons,
  (select count(*) from decisions where mode <> 'shadow') as decisions,
  (select count(*) from decisions where mode = 'shadow') as shadows,
  (select count(*) from denials) as denials,
  (select count(*) from checks) as checks,
  (select count(*) from checks where verdict = 'pass') as passing
