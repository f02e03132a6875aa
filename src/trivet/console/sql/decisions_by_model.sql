-- decisions per model that answered
select model, count(*) as decisions, max(decided_at) as last_at from decisions where mode <> 'shadow' group by model
