UPDATE suspension SET lifted_at = :at, lifted_seq = :seq WHERE model = :model AND lifted_at = ''
