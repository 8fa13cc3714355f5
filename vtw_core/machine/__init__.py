"""What this machine offers: devices, memory, processes, threads."""
