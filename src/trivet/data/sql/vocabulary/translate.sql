select mapped.map, mapped.version, mapped.target_system, mapped.target_code, mapped.target_display, mapped.relation
from mapped join load on load.id = mapped.load
where load.state = 'ready' and mapped.source_system = ? and mapped.source_code = ? order by mapped.map, mapped.target_system, mapped.target_code
