"""The kinds of field that profiles have; a deployment's own fields may be of them too."""
