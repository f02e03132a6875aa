select name, receipt from wire_name where source = ? and name > ? and mark <> '' order by name limit 5000
