SELECT * FROM ({rows}) AS found LIMIT {limit}
