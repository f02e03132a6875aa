delete from link_apart where one in (select value from json_each(:subjects)) or two in (select value from json_each(:subjects))
