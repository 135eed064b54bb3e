"""What operators see of a server: metrics, traces, log lines; none of it leaves the process unless it is configured."""
