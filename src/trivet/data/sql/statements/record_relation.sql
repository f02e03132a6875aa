-- the relation that published views are written over: versions known at a position, each with its person
select v.key, v.type, v.id, v.version, v.subject, l.person, v.valid_at, v.known_seq, v.receipt, v.source, v.deleted, v.body
from ({stored}) as v
left join link_now as l on l.subject = v.subject
where v.known_seq <= {as_of}
