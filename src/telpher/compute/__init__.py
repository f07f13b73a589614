"""Bytes and numbers in, result out: native kernels, the strategies that run them, and the registry that others add to."""
