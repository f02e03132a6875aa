"""The Medical Event Data Standard out of record versions: one row an event, shards of persons, nothing of what was said in words."""
