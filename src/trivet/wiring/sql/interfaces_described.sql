select interface, kind, engine, version, described, findings from interfaces order by kind, interface
