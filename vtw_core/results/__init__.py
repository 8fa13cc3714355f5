"""The records of a run, a comparison and a calibration. No torch."""
