-- words to choose from
select distinct outcome as word from decisions where outcome <> '' order by 1
