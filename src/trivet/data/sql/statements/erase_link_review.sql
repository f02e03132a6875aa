delete from link_review where subject in (select value from json_each(:subjects)) or other in (select value from json_each(:subjects))
