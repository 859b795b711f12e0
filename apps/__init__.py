"""Programs for people, on top of edge_dce."""
