-- values that were not there yet, with nothing counted; gives the fields that got any
insert into register_value (source, format, day, field, rank, value, elements)
select ?, ?, ?, line.value ->> 0, line.value ->> 1, line.value ->> 2, 0 from json_each(?) as line where true
on conflict (source, format, day, field, rank, value) do nothing
returning field
