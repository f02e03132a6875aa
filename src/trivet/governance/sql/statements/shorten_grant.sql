UPDATE serving_grant SET expires_at = :expires_at WHERE id = :id AND expires_at > :expires_at
