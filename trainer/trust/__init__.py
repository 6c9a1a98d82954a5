"""What a stranger's model may do before its user has said that it is trusted."""
