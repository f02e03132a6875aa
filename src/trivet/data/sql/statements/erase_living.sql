-- of these persons those that still have a record of somebody else
select distinct person from identity_record
where person in (select value from json_each(?)) and subject not in (select value from json_each(?))
