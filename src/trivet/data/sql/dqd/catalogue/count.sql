SELECT count(*) FROM ({rows}) AS counted
