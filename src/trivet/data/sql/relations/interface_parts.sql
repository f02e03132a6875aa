-- columns: interface varchar, kind varchar, role varchar, connector varchar, name varchar, type varchar, enabled boolean, endpoint varchar, secure varchar, queue varchar, inbound varchar, outbound varchar, lines bigint, comments bigint, dead bigint, place varchar, seq bigint
-- connectors, rules, steps and scripts of the interfaces of every import up to the position
select interface.name, interface.kind, part.role, part.connector, part.name, part.type, part.enabled, part.endpoint, part.secure, part.queue,
  part.inbound, part.outbound, part.lines, part.comments, part.dead, part.place, part.seq
from interface_part as part join interface on interface.seq = part.seq and interface.ordinal = part.interface
where part.seq <= :as_of
order by part.seq, part.interface, part.ordinal
