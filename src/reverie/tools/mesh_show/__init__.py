"""`reverie mesh show`: a mesh from all sides, as a film, as stills and as a page with a 3D viewer."""
