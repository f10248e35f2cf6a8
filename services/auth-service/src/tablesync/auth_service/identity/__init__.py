"""Who people are: workspaces, members, API tokens, sign-in."""
