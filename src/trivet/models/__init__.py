"""The workshop. Models knows numbers: features in, outputs out; never patients, hospitals or people."""
