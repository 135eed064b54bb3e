"""What the command line asks of a control plane by subject, each be it the one on this machine or a server's."""
