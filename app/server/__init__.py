"""What the web server adds to the page: a gate, upload limits, headers."""
