select subject from link_review where state = 'open' and (kind = 'conflict' or rule like 'same-identifier-but%' or rule = 'number-disputed') and subject in (select value from json_each(?1))
union
select other from link_review where state = 'open' and rule like 'same-identifier-but%' and other in (select value from json_each(?1))
