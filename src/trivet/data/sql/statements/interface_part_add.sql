insert into interface_part (
  seq, interface, ordinal, role, connector, name, type, enabled, endpoint, secure, queue, inbound, outbound, lines, comments, dead, place
) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
