DELETE FROM serving_grant
