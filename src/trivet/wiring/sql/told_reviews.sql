-- who was ever in doubt, and why, for the scorecard
select kind, rule, subject, other from reviews
