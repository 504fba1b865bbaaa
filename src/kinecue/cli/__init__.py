"""The command ``kinecue``: one module per subcommand."""
