select min(seq) from receipt where state = 'landed'
