select sums from register_day where source = ? and format = ? and day = ?
