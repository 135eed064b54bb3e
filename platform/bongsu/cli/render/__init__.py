"""Tables and words for people. Pure: domain objects in, rich renderables out."""
