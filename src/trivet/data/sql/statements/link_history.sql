-- every link that some persons ever had, with the position that ended it
select subject, person, known_seq, until_seq from link where person in (select value from json_each(?))
