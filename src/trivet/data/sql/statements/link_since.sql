select person, known_seq from link where subject = ? and until_seq is null
