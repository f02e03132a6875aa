select load.id, load.kind, load.release, load.digest, load.files, load.state, load.done, load.left_out, load.started from load order by load.id
