SELECT seq FROM serving_grant WHERE id = ?
