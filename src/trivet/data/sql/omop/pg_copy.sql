COPY {schema}"{table}" ({columns}) FROM STDIN WITH (FORMAT csv)
