UPDATE serving_grant SET revoked_at = :at, revoked_why = :reason WHERE id = :id AND revoked_at = ''
