-- the newest times a model was not called, and why
select denied_at, decision_id, use, mode, came_of, failed, answered_by from denials where model = ? order by seq desc limit 20
