-- the source no longer has it; the number of changes stays, so that it can come back and be another change
update wire_name set mark = '', changes = changes + 1 where source = ? and name = ? and mark <> ''
