insert or replace into mapped (load, map, version, source_system, source_code, target_system, target_code, target_display, relation)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)
