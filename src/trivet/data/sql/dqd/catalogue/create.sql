CREATE TABLE "{name}" ({columns})
