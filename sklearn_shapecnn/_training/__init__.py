"""How one network is trained once: samples, batches, schedule, optimizer, loop."""
