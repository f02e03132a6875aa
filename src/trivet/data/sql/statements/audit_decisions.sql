select seq, decision_id, blob from decision order by seq
