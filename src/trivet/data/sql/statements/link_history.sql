-- every link that ever stood, with the position that ended it
select subject, person, known_seq, until_seq from link
