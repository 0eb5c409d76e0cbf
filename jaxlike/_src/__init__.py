"""The bodies of the public modules; what is not named in those is private."""
