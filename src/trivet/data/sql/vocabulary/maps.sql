select mapped.map, mapped.version, mapped.source_system, mapped.target_system, count(*) from mapped join load on load.id = mapped.load
where load.state = 'ready' group by 1, 2, 3, 4 order by 1, 2, 3, 4
