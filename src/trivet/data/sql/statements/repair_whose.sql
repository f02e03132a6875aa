-- the person whose record a repair is about, as linked now
select link.person
from repair
join link on link.subject = repair.subject and link.until_seq is null
where repair.id = ?
