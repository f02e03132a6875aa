"""The doors. Integration knows formats and wires; it never knows what a value means or what a model is."""
