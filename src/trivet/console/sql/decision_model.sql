-- words to choose from
select distinct model as word from decisions where model <> '' order by 1
