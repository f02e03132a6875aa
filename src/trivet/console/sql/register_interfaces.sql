-- interfaces that exports describe
select interface, kind, engine, version, enabled, described, destinations, rules + steps as steps, scripts, lines, findings
from interfaces
order by findings desc, kind, interface
