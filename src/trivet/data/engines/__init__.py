"""Database drivers live here and nowhere else."""
