-- every person that one of these subjects ever stood with
select distinct person from link where subject in (select value from json_each(?)) order by person
