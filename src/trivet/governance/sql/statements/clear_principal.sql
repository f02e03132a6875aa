DELETE FROM principal
