DELETE FROM model_release
