"""Ways in: sockets and folders. Nothing is acknowledged before it is durable."""
