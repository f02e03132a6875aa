select valueset.url, valueset.version from valueset join load on load.id = valueset.load where load.state = 'ready' order by 1, 2
