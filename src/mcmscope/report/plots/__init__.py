"""Pictures of a result for papers and slides: one file per view, one style for all."""
