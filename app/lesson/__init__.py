"""The guided lesson: steps that drive the real page, and questions answered by the run shown."""
