-- the charge in the payer's answer is not the charge of the claim
SELECT a.record, a.person, a.known_seq, a.charged <> c.total AS breaks, 'claimed ' || c.total || ', answered to ' || a.charged AS why
FROM seen_answer AS a
JOIN seen_claim AS c ON c.number = a.number
WHERE a.charged IS NOT NULL AND c.total IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY a.record ORDER BY c.known_seq DESC) = 1
