update destruction set n = n + 1
