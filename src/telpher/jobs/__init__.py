"""A durable queue behind one port."""
