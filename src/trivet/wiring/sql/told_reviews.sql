-- who was ever in doubt, for the scorecard
select subject, other from reviews
