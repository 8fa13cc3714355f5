"""What a run, a comparison and a calibration leave behind. No torch."""
