"""Run recorded vectors of the hosted engine against this one."""
