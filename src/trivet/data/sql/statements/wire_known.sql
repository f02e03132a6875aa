select name, mark, receipt, changes from wire_name where source = ? and name in (select value from json_each(?))
