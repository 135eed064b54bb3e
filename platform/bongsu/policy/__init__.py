"""The rules, one small module each: facts in, decision out. Pure."""
