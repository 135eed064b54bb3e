"""Who may use what for what, and who says so: registers, permits, approvals, suspensions. One module a use case."""
