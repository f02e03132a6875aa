create index if not exists edge_parent on edge (edition, parent, child)
