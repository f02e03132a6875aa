-- rows that break one check, with the receipt to open
select r.key, coalesce(v.receipt, -1) as receipt, v.type, v.person
from check_rows r left join records v on v.key = r.key
where r.check_id = ? limit 200
