"""One module for each kind of thing; :mod:`bongsu.api.app` puts them together."""
