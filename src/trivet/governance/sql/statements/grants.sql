SELECT body, expires_at, revoked_at, seq FROM serving_grant
WHERE :digest = '' OR digest = :digest ORDER BY seq
