"""What stays: one paper, one file. A strategy decides, `vtw_core.engine` acts."""
