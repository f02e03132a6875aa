-- words to choose from
select distinct mode as word from decisions where mode <> '' order by 1
