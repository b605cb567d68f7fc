"""The commands that paint nothing: `jnst filters`, `jnst curves` and `jnst weights`.

Each is a module whose `main` takes the words after the command's name and returns the exit code.
It is imported only when its name is typed, so this file imports none.
"""
