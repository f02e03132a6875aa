SELECT vocabulary_version FROM vocabulary WHERE vocabulary_id = 'None'
