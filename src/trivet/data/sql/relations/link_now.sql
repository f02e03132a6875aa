-- columns: subject varchar, person varchar, known_seq bigint, event bigint
-- the person of each Patient record at the position that is asked for
select subject, person, known_seq, event from link where known_seq <= :as_of and (until_seq is null or until_seq > :as_of) order by subject
