"""Bodies: shapes by stature, mass, build and proportions, their mesh, their segments, their hands."""
