"""File trees: the templates from which a production's paths are made. Source: spec media, "File tree JSON"."""
