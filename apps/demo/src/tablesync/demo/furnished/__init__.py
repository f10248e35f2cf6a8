"""`make up DEMO=1`: a workspace to look around in, with twelve syncs and one broken connection."""
