"""Links people to drives: OAuth flows, an encrypted vault for what they grant, credentials that renew themselves."""
