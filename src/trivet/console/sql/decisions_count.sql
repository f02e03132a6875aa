-- all decisions
select count(*) as decisions from decisions
