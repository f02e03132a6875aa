update link set until_seq = max(known_seq, ?) where subject = ? and until_seq is null
