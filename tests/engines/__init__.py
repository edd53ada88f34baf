"""Real engines: Flink from its jars, with worker processes of its own, over the storage emulator."""
