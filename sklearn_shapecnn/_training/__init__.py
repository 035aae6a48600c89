"""How a network is trained: samples, batches, schedule, optimizer, loop."""
