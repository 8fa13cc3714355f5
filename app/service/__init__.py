"""Running the models: jobs, queues, limits. The one door to the library's engine."""
