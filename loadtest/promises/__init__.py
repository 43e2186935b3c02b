"""The promises, one pure function each: from the evidence about a user to what was broken."""
