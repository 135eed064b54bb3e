"""The use cases, one module each: functions of a :class:`bongsu.service.platform.Platform`."""
