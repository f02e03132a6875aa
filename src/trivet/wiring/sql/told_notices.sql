-- what waits for a person, for the scorecard
select receipt, kind, system, code from notices
