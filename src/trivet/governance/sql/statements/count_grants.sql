SELECT count(*) FROM serving_grant
