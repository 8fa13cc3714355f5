"""What stays: one paper, one file. A strategy decides, the engine acts (vtw_core.withdrawal)."""
