update link_review set state = ?, decided_seq = ? where id = ? and state = 'open'
