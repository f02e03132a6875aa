update register_value set elements = elements + ?
where source = ? and format = ? and day = ? and field = ? and rank = ? and value = ?
