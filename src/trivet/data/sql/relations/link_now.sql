-- columns: subject varchar, person varchar
-- the person of each Patient record at the position that is asked for
select subject, person from link where known_seq <= :as_of and (until_seq is null or until_seq > :as_of) order by subject
