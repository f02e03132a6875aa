"""How each system writes down what it knows: one module per format. Nothing here decides anything."""
