UPDATE evidence SET withdrawn = 1 WHERE id = :id
