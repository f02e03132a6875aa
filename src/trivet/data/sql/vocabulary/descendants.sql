with recursive below (code) as (
  select ?2 union select edge.child from below join edge on edge.edition = ?1 and edge.parent = below.code
) select code from below
