"""What a file is, found out from its bytes. Nobody's word is taken for it, and no decoder runs in the hub itself."""
