"""Records of ShotGrid come in: declared kinds, one runner, the routes for scripts. Source: spec exchange."""
