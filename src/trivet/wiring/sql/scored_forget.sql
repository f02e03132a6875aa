-- what the scorecard made
drop table if exists {table}
