-- doubts about persons that wait for a human
select count(*) as links from reviews where state = 'open'
