select * from {table} order by {order} limit ? offset ?
