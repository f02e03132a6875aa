select seq, blob, state, run from receipt order by seq
