select valueset.version, valueset.body, load.id from valueset join load on load.id = valueset.load
where load.state = 'ready' and valueset.url = ? order by load.id desc, valueset.version desc
