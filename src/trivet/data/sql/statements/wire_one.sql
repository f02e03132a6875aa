select bookmark, polled_at, heard_at, code, what, failures from wire where source = ?
