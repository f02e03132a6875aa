select coalesce((select last from out_counter where destination = ?), 0)
