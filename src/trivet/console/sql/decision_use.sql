-- words to choose from
select distinct use as word from decisions where use <> '' order by 1
