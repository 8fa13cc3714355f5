"""Parts of the page with their own HTML, CSS and JavaScript."""
