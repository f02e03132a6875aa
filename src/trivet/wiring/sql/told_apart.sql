-- pairs of persons that wait for a human, for the scorecard
select person, other_person from reviews where state = 'open'
