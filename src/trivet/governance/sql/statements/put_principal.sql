INSERT INTO principal (principal, name, department, profession, active, seq)
VALUES (:principal, :name, :department, :profession, :active, :seq)
ON CONFLICT (principal) DO UPDATE SET
  name = excluded.name, department = excluded.department, profession = excluded.profession, active = excluded.active, seq = excluded.seq
